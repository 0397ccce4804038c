"""What a run of a derived table has made, as changes for whoever follows the table."""

from collections import defaultdict
from collections.abc import Iterable, Sequence

from coingecko_pipeline.market.changes import Change
from coingecko_pipeline.measures.making import CoinPiece, DatedPiece
from coingecko_pipeline.measures.spans import Span, merged

MOST_COINS = 500
"""Coins whose changes are told one by one: of more, their dates are told of all coins, so that the log stays short."""


def changes_made(table_name: str, pieces: Iterable[CoinPiece | DatedPiece]) -> Sequence[Change]:
    """The dates of all coins, and those of single ones, that pieces have made anew.

    Args:
        table_name: The derived table.
        pieces: What was made.
    """
    everyone: list[Span] = []
    of_coins: dict[str, list[Span]] = defaultdict(list)
    for piece in pieces:
        if isinstance(piece, CoinPiece):
            for row in piece.rows:
                of_coins[row.asset_id].append(row.span)
        elif piece.coin_ids:
            for coin in piece.coin_ids:
                of_coins[coin].append(piece.dates)
        else:
            everyone.append(piece.dates)
    if len(of_coins) > MOST_COINS:
        everyone += [span for spans in of_coins.values() for span in spans]
        of_coins.clear()
    return [
        *(Change(table_name, *span) for span in merged(everyone)),
        *(Change(table_name, *span, coin) for coin in sorted(of_coins) for span in merged(of_coins[coin])),
    ]
