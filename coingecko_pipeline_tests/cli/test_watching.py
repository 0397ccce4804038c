import io

import pytest
from rich.console import Console

from coingecko_pipeline.cli.terminal import PlainConsole
from coingecko_pipeline.cli.watching import LiveView, at_work


class Terminal:
    """A terminal of a fake clock, and what its lowest lines are."""

    def __init__(self, width: int = 80) -> None:
        self.now = 100.0
        # Without colours and styles, and a bar is drawn all the same.
        self.console = Console(file=io.StringIO(), force_terminal=True, color_system=None, width=width, markup=False)
        self.view = LiveView(self.console, lambda: self.now)

    def shown(self) -> list[str]:
        with self.console.capture() as capture:
            self.console.print(self.view.rendered())
        return [line.rstrip() for line in capture.get().splitlines()]


def test_what_is_done_is_shown_with_the_time_since_it_began() -> None:
    terminal = Terminal()
    terminal.view.doing("Loading Dagster")
    terminal.now += 3
    assert [line[2:] for line in terminal.shown()] == ["Loading Dagster 0:03"]
    terminal.view.step("Derived tables: weekly_market (1 of 9)")
    terminal.now += 3700
    assert [line[2:] for line in terminal.shown()] == ["Derived tables: weekly_market (1 of 9) 1:01:40"]


def test_a_bar_has_its_calls_its_rows_its_rate_and_the_time_left() -> None:
    terminal = Terminal()
    terminal.view.begin("The market of 2026-03-09", 75, "calls", 5)
    assert [line.split() for line in terminal.shown()[1:]] == [
        ["The", "market", "of", "2026-03-09", "0/75", "calls"],
        ["at", "most", "5", "a", "minute"],
    ]
    terminal.now += 1
    for _ in range(5):
        terminal.view.advance(1, 250)
    # Five within a second are no rate of 300 a minute, where a minute has five.
    assert terminal.shown()[1].endswith(" 5/75 calls")
    assert terminal.shown()[2] == "  1,250 rows, 5 a minute, 14:00 left"
    terminal.view.end()
    assert len(terminal.shown()) == 1


def test_more_calls_than_were_expected_are_never_more_than_all() -> None:
    terminal = Terminal()
    terminal.view.begin("The market of 2026-03-09", 1, "calls")
    terminal.now += 1
    terminal.view.advance(2)
    assert terminal.shown()[1].endswith(" 2/2 calls")
    assert terminal.shown()[2].endswith(" 0:00 left")


def test_a_wait_is_counted_down_with_its_reason_and_the_way_out() -> None:
    terminal = Terminal()
    terminal.view.begin("The market", 3, "calls")
    terminal.view.pause(125, "CoinGecko answered 429 [sic]")
    assert terminal.shown()[-1] == "  waiting 2:05 more, since CoinGecko answered 429 [sic]; Ctrl-C leaves"
    terminal.now += 120
    assert terminal.shown()[-1].startswith("  waiting 0:05 more")
    terminal.now += 6
    assert "waiting" not in terminal.shown()[-1]


def test_a_wait_before_there_is_a_bar_is_shown_too() -> None:
    terminal = Terminal()
    terminal.view.pause(600, "CoinGecko answered 429")
    assert terminal.shown()[1:] == ["  waiting 10:00 more, since CoinGecko answered 429; Ctrl-C leaves"]


@pytest.mark.parametrize("width", [40, 60, 80, 200])
def test_the_bar_has_room_on_its_line(width: int) -> None:
    terminal = Terminal(width)
    terminal.view.begin("Charts for 2025-11-29 to 2026-11-28", 17_400, "calls", 500)
    terminal.now += 1
    terminal.view.advance(1_234, 450_410)
    assert [len(line) <= width for line in terminal.shown()] == [True] * 3
    assert ("━" in terminal.shown()[1]) == (width > 60)


def test_what_is_no_terminal_gets_plain_lines_and_no_more_of_them_than_a_log_needs(
    capsys: pytest.CaptureFixture[str],
) -> None:
    with at_work("Opening the database", PlainConsole()) as view, at_work("Loading Dagster") as inner:
        assert inner is view
        view.doing("Asking the daemon for the run")
        view.step("Checks: checks of assets (1 of 3)")
        view.begin("Charts", 2, "calls", 500)
        view.pause(40, "the 5 calls a minute of this plan are made")
        view.advance(2, 731)
        view.end()
    assert capsys.readouterr().out.splitlines() == [
        "Checks: checks of assets (1 of 3) …",
        "Charts: 2 calls to go, at most 500 a minute.",
        "Pausing for 40 s: the 5 calls a minute of this plan are made.",
        "Charts: 2 of 2 calls, 731 rows done.",
    ]
