"""What the sandbox counts does not grow for ever, and forgets nobody who still calls."""

from datetime import UTC, datetime, timedelta

from coingecko_pipeline.sandbox import gate
from coingecko_pipeline.sandbox.gate import Call, Ledger
from coingecko_pipeline.sandbox.limits import MOST_COUNTS, CallWindow, CreditCount

from .asking import NOON


def test_a_caller_who_goes_on_keeps_its_counts_among_any_number_of_others() -> None:
    window, spent = CallWindow(), CreditCount()
    for number in range(3 * MOST_COUNTS):
        window.refused_until("CG-mine", 5, NOON)
        window.refused_until(f"CG-{number}", 5, NOON)
        spent.spend("CG-mine", NOON)
        spent.spend(f"CG-{number}", NOON)
    assert window.refused_until("CG-mine", 5, NOON)
    assert spent.used("CG-mine", NOON) == 3 * MOST_COUNTS


def test_who_called_longest_ago_is_forgotten() -> None:
    window, spent = CallWindow(), CreditCount()
    for number in range(MOST_COUNTS + 1):
        window.refused_until(f"CG-{number}", 1, NOON)
        spent.spend(f"CG-{number}", NOON)
    assert [spent.used(f"CG-{number}", NOON) for number in (0, 1, MOST_COUNTS)] == [0, 1, 1]
    assert window.refused_until(f"CG-{MOST_COUNTS}", 1, NOON)
    assert window.refused_until("CG-0", 1, NOON) is None


def test_to_ask_for_the_credits_of_an_unknown_key_leaves_nothing_behind() -> None:
    spent = CreditCount()
    spent.spend("CG-mine", NOON)
    for number in range(2 * MOST_COUNTS):
        assert spent.used(f"CG-{number}", NOON) == 0
    assert spent.used("CG-mine", NOON) == 1


def test_months_are_counted_apart_for_eighty_years() -> None:
    spent, first = CreditCount(), datetime(2026, 1, 15, tzinfo=UTC)
    months = [first + timedelta(days=30 * number) for number in range(960)]
    for month in months:
        spent.spend("CG-mine", month)
    assert spent.used("CG-mine", first) == 1


def test_the_latest_calls_are_remembered() -> None:
    calls = Ledger().calls
    for number in range(gate.MOST_CALLS + 2):
        calls.append(Call(NOON, "GET", f"/{number}", "", 200))
    assert len(calls) == gate.MOST_CALLS
    assert calls[0].path == "/2"
