"""Which coins are proposed as pairs, and which are left alone."""

from coingecko_pipeline.agreement.pairs import Coin, normalised_name, propose_pairs, without


def coin(asset_id: str, symbol: str = "abc", name: str = "Alpha", price: float | None = 1.0) -> Coin:
    return Coin(asset_id, symbol, name, price)


def test_symbol_name_and_price_together_make_a_pair() -> None:
    found = propose_pairs(
        [coin("alpha"), coin("beta", "bet", "Beta", 2.0)],
        [coin("bet-beta", "BET", "Beta", 2.1), coin("abc-alpha", "ABC", "Alpha", 0.95)],
    )
    assert found.pairs == {"alpha": "abc-alpha", "beta": "bet-beta"}
    assert found.ambiguous == {}


def test_the_symbol_alone_is_never_enough() -> None:
    found = propose_pairs([coin("alpha")], [coin("abc-other", name="Another Beast Coin")])
    assert (found.pairs, found.ambiguous) == ({}, {})


def test_the_name_alone_is_never_enough() -> None:
    found = propose_pairs([coin("alpha")], [coin("xyz-alpha", symbol="xyz")])
    assert (found.pairs, found.ambiguous) == ({}, {})


def test_a_price_that_is_too_far_away_or_missing_is_no_pair() -> None:
    others = [coin("far", price=1.12), coin("none", price=None), coin("zero", price=0.0), coin("near", price=1.11)]
    assert propose_pairs([coin("alpha")], others).pairs == {"alpha": "near"}
    for price in (None, 0.0):
        assert propose_pairs([coin("alpha", price=price)], others).pairs == {}


def test_case_punctuation_and_spaces_do_not_count() -> None:
    for written in ("ALPHA", "Al-pha", " al pha ", "\uff21lpha", "Al\u200bpha"):
        assert propose_pairs([coin("alpha")], [coin("other", " ABC ", written)]).pairs == {"alpha": "other"}
    assert normalised_name("\u2728\u2728") == "\u2728\u2728"
    assert normalised_name("Alpha 2.0") == "alpha20"


def test_a_coin_without_a_symbol_or_a_name_has_no_pair() -> None:
    assert propose_pairs([coin("alpha", symbol="")], [coin("other", symbol="")]).pairs == {}
    assert propose_pairs([coin("alpha", name=" ")], [coin("other", name=" ")]).pairs == {}


def test_a_coin_that_two_would_do_for_stays_without_and_is_listed() -> None:
    found = propose_pairs([coin("alpha")], [coin("second"), coin("first")])
    assert found.pairs == {}
    assert found.ambiguous == {"alpha": ["first", "second"]}


def test_two_coins_that_one_would_do_for_stay_without_and_are_listed() -> None:
    found = propose_pairs([coin("alpha"), coin("also-alpha")], [coin("other")])
    assert found.pairs == {}
    assert found.ambiguous == {"alpha": ["other"], "also-alpha": ["other"]}


def test_the_price_tells_namesakes_apart() -> None:
    found = propose_pairs(
        [coin("dear", price=100.0), coin("cheap", price=0.1)], [coin("one", price=0.101), coin("two", price=99.0)]
    )
    assert found.pairs == {"dear": "two", "cheap": "one"}


def test_coins_that_are_taken_are_left_out() -> None:
    assert [left.asset_id for left in without([coin("a"), coin("b")], {"a"})] == ["b"]
