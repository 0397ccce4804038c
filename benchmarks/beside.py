"""What is computed from other tables than the daily market alone: the bars of hours, and the agreement of two sources.

python -m benchmarks.beside --url mysql+pymysql://root@127.0.0.1:33306/bench_market
"""

import argparse
from collections.abc import Callable
from datetime import UTC, date, datetime, timedelta

from benchmarks.export import filled
from benchmarks.filled_market import COINS, DAYS, FIRST, ids_of
from coingecko_pipeline.agreement.comparison import follow_agreement
from coingecko_pipeline.measures import ALWAYS, DAILY_OHLC, Followed, Span, follow_market
from coingecko_pipeline.sources.coinpaprika import COINPAPRIKA
from coingecko_pipeline.tables import migrate
from coingecko_pipeline.warehouse import Database

HOURLY_TOP = 250
PAIRED = 2_000
"""CoinPaprika's free API brings so many coins."""

HOURS = ", ".join(f"ROW({hour})" for hour in range(24))


def quoted(ids: list[str]) -> str:
    """The ids as a list in SQL."""
    return ", ".join(f"'{coin}'" for coin in ids)


def fill_hours(database: Database, ids: list[str]) -> None:
    """The hours of the largest coins, each with a price of its own."""
    with database.transaction() as connection:
        connection.exec_driver_sql("DELETE FROM hourly_market")
        connection.exec_driver_sql(
            "INSERT INTO hourly_market (hour_at, asset_id, price_usd, volume_24h_usd, market_cap_usd) "
            "SELECT date + INTERVAL hour HOUR, asset_id, price_usd * (1 + hour / 1000), volume_24h_usd, market_cap_usd "
            f"FROM daily_market CROSS JOIN (VALUES {HOURS}) AS hours (hour) "
            f"WHERE asset_id IN ({quoted(ids)})"
        )


def fill_second_source(database: Database, ids: list[str]) -> None:
    """A second source with the same coins by other ids, whose prices lie a thousandth higher, and the pairs."""
    migrate(database.schema(COINPAPRIKA.name))
    _, qualifier = database.reading(COINPAPRIKA.name)
    columns = "date, asset_id, price_usd, volume_24h_usd, market_cap_usd, source, observed_at"
    values = columns.replace("asset_id", "CONCAT('p-', asset_id)").replace("price_usd", "price_usd * 1.001")
    of_these = f"WHERE asset_id IN ({quoted(ids)})"
    with database.transaction() as connection:
        for statement in (
            f"DELETE FROM {qualifier}.daily_market",
            f"INSERT INTO {qualifier}.daily_market ({columns}) SELECT {values} FROM daily_market {of_these}",
            "DELETE FROM asset_pairs",
            "INSERT INTO asset_pairs (asset_id, coinpaprika_id, how, matched_on) "
            f"SELECT asset_id, CONCAT('p-', asset_id), 'proposed', '{FIRST}' FROM assets {of_these}",
        ):
            connection.exec_driver_sql(statement)


def measure(name: str, make: Callable[[Span], Followed], last: date) -> None:
    """Print the rows and seconds of all dates, and the seconds of the last one alone."""
    whole, one = make(ALWAYS), make(Span(last, last))
    print(f"| {name} | {whole.rows_written:,} | {whole.seconds:.1f} | {one.seconds:.2f} |", flush=True)


def main() -> None:
    """Print a line for each table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--url", required=True, help="a MySQL database, dropped and filled unless it has these rows")
    parser.add_argument("--coins", type=int, default=COINS)
    parser.add_argument("--days", type=int, default=DAYS)
    arguments = parser.parse_args()
    database = filled(arguments.url, arguments.coins, arguments.days)
    fill_hours(database, ids_of(arguments.coins)[:HOURLY_TOP])
    fill_second_source(database, ids_of(arguments.coins)[:PAIRED])
    last = FIRST + timedelta(days=arguments.days - 1)
    print("| table | rows of the year | a year (s) | one date (s) |\n|---|---:|---:|---:|")
    now = datetime.now(UTC)
    measure("daily_ohlc", lambda dates: follow_market(database, DAILY_OHLC, now, rebuild=dates), last)
    measure("source_agreement", lambda dates: follow_agreement(database, COINPAPRIKA.name, now, rebuild=dates), last)
    database.dispose()


if __name__ == "__main__":
    main()
