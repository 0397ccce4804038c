"""The append-only archive of charts with its coverage, the change log, revisions, and batches that count once.

Each archived chart becomes an answer whose rows are still to be written: what writes them reads its body, and finds
those that are there. As in the first migration, each step can be taken again after an interruption.
"""

from datetime import UTC, datetime, time

import sqlalchemy as sa
from alembic import op

from coingecko_pipeline.tables.migrations.steps import create_index, drop_what_the_source_does_not_use
from coingecko_pipeline.warehouse.types import ExactText, UtcDateTime, compressed_body, counted_id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None

FIRST_WAIT_DAYS = 7


def upgrade() -> None:
    """Create what is new, carry the charts and the misses over, mark stale snapshots, drop what is not used."""
    _create_archive()
    _create_changes()
    _create_others()
    there = set(sa.inspect(op.get_bind()).get_table_names())
    if "raw_market_charts" in there:
        _carry_charts()
    if "chart_misses" in there:
        _carry_misses()
    _count_coins_by_date()
    _mark_stale()
    if op.get_bind().dialect.name != "sqlite":
        op.alter_column(
            "daily_market",
            "source",
            existing_type=ExactText(16),
            existing_nullable=False,
            comment="chart: the point of 00:00:00 UTC; snapshot: the current value after it; stale: one a day older",
        )
    for old in ("raw_market_charts", "chart_misses"):
        if old in there:
            op.drop_table(old)
    drop_what_the_source_does_not_use()


def _create_archive() -> None:
    op.create_table(
        "market_charts",
        sa.Column(
            "answer_id", counted_id(), nullable=False, comment="number of the answer, ascending as they were stored"
        ),
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the answer (UTC)"),
        sa.Column(
            "days", sa.Integer, nullable=False, comment="midnights that were asked for, that day's included (days)"
        ),
        sa.Column(
            "outcome",
            ExactText(16),
            nullable=False,
            comment="values, empty, not_found, refused or unreadable: what the answer was",
        ),
        sa.Column(
            "body", compressed_body(), comment="as received, compressed; NULL where a later answer holds all of it"
        ),
        sa.Column("first_on", sa.Date, comment="date of the first midnight with a value; NULL where there is none"),
        sa.Column("last_on", sa.Date, comment="date of the last midnight with a value; NULL where there is none"),
        sa.Column("midnights", sa.Integer, nullable=False, comment="dates with a value (dates)"),
        sa.Column(
            "dates", ExactText(), comment="these dates, as JSON: pairs of first and last; NULL until it was read"
        ),
        sa.Column("is_written", sa.Boolean, nullable=False, comment="whether daily_market has all that it gives"),
        sa.PrimaryKeyConstraint("answer_id"),
        comment="One answer to a call for a coin's chart, as received",
        mysql_charset="utf8mb4",
        sqlite_autoincrement=True,
        if_not_exists=True,
    )
    create_index("market_charts", ["asset_id", "answer_id"])
    create_index("market_charts", ["is_written"])
    op.create_table(
        "chart_coverage",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column(
            "covered",
            ExactText(),
            nullable=False,
            comment="dates that answers have spoken for, as JSON: pairs of first and last",
        ),
        sa.Column(
            "points",
            ExactText(),
            nullable=False,
            comment="those of them with a value, as JSON: pairs of first and last",
        ),
        sa.Column("outcome", ExactText(16), nullable=False, comment="what the latest answer was"),
        sa.Column("answered_at", UtcDateTime, nullable=False, comment="moment of the latest answer (UTC)"),
        sa.Column("misses", sa.Integer, nullable=False, comment="answers in a row that brought nothing new (answers)"),
        sa.Column(
            "ask_again_on", sa.Date, comment="UTC date before which it is not asked again; NULL where at any time"
        ),
        sa.Column("snapshots_from", sa.Date, comment="first date of the latest unbroken run of dates with a snapshot"),
        sa.Column("snapshots_to", sa.Date, comment="last date of that run"),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="What the archived answers of one coin have spoken for",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


def _create_changes() -> None:
    op.create_table(
        "market_changes",
        sa.Column(
            "number",
            sa.BigInteger,
            nullable=False,
            autoincrement=False,
            comment="ascending as the changes were committed, without gaps",
        ),
        sa.Column("table_name", ExactText(64), nullable=False, comment="the table whose rows changed"),
        sa.Column("asset_id", ExactText(191), comment="the coin whose rows changed; NULL for all coins"),
        sa.Column("first_on", sa.Date, nullable=False, comment="first date whose rows changed"),
        sa.Column("last_on", sa.Date, nullable=False, comment="last date whose rows changed"),
        sa.Column("changed_at", UtcDateTime, nullable=False, comment="moment of the change (UTC)"),
        sa.PrimaryKeyConstraint("number"),
        comment="One thing that changed in a market table: a date for all coins, or a coin's dates",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("market_changes", ["table_name", "number"])
    op.create_table(
        "market_change_counter",
        sa.Column(
            "one_row",
            sa.SmallInteger,
            nullable=False,
            autoincrement=False,
            comment="always 1: the key that lets there be one row only",
        ),
        sa.Column("number", sa.BigInteger, nullable=False, comment="number of the latest change"),
        sa.PrimaryKeyConstraint("one_row"),
        comment="The number of the latest change; locked by who adds one, so that numbers ascend as they are committed",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    counter = sa.table("market_change_counter", sa.column("one_row"), sa.column("number"))
    if op.get_bind().scalar(sa.select(sa.func.count()).select_from(counter)) == 0:
        op.get_bind().execute(sa.insert(counter).values(one_row=1, number=0))
    op.create_table(
        "followed_changes",
        sa.Column("table_name", ExactText(64), nullable=False, comment="the derived table"),
        sa.Column("source", ExactText(32), nullable=False, comment="whose change log it follows, such as coingecko"),
        sa.Column(
            "number", sa.BigInteger, nullable=False, comment="number of the latest change that its rows have followed"
        ),
        sa.Column("computed_at", UtcDateTime, nullable=False, comment="moment at which it did (UTC)"),
        sa.PrimaryKeyConstraint("table_name", "source"),
        comment="How far each derived table has followed the changes",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "market_revisions",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("date", sa.Date, nullable=False, comment="the date whose value was changed"),
        sa.Column("column_name", ExactText(64), nullable=False, comment="column of daily_market"),
        sa.Column("seen_at", UtcDateTime, nullable=False, comment="moment of the answer that has the new value (UTC)"),
        sa.Column("old_value", sa.Double, nullable=False, comment="what an earlier answer said (US dollars)"),
        sa.Column("new_value", sa.Double, nullable=False, comment="what the later one says (US dollars)"),
        sa.PrimaryKeyConstraint("asset_id", "date", "column_name", "seen_at"),
        comment="A value of a day that was over and that CoinGecko changed afterwards",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    create_index("market_revisions", ["seen_at"])


def _create_others() -> None:
    op.create_table(
        "usage_writers",
        sa.Column("writer", ExactText(32), nullable=False, comment="of one run of one process"),
        sa.Column("batch", sa.BigInteger, nullable=False, comment="number of its latest batch that was counted"),
        sa.Column("written_at", UtcDateTime, nullable=False, comment="moment at which it was (UTC)"),
        sa.PrimaryKeyConstraint("writer"),
        comment="The latest batch that each writer of api_usage has committed, so that none counts twice",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )
    op.create_table(
        "refused_asset_list",
        sa.Column("asset_id", ExactText(191), nullable=False, comment="CoinGecko's id, byte for byte"),
        sa.Column("fetched_at", UtcDateTime, nullable=False, comment="moment of the answer that held the list (UTC)"),
        sa.PrimaryKeyConstraint("asset_id"),
        comment="The ids of the latest list that was refused; one that agrees with it is accepted",
        mysql_charset="utf8mb4",
        if_not_exists=True,
    )


OLD = sa.table(
    "raw_market_charts",
    sa.column("asset_id", ExactText(191)),
    sa.column("body", compressed_body()),
    sa.column("fetched_at", UtcDateTime),
    sa.column("covers_from", sa.Date),
    sa.column("covers_to", sa.Date),
)
MISSES = sa.table(
    "chart_misses",
    sa.column("asset_id", ExactText(191)),
    sa.column("reason", ExactText(16)),
    sa.column("asked_on", sa.Date),
    sa.column("ask_again_on", sa.Date),
)
CHARTS = sa.table(
    "market_charts",
    *(sa.column(name) for name in ("days", "outcome", "midnights", "is_written")),
    sa.column("asset_id", ExactText(191)),
    sa.column("answered_at", UtcDateTime),
    sa.column("body", compressed_body()),
)
COVERAGE = sa.table(
    "chart_coverage",
    *(sa.column(name) for name in ("covered", "points", "outcome", "misses")),
    sa.column("asset_id", ExactText(191)),
    sa.column("answered_at", UtcDateTime),
    sa.column("ask_again_on", sa.Date),
    sa.column("snapshots_from", sa.Date),
    sa.column("snapshots_to", sa.Date),
)
MARKET = sa.table(
    "daily_market",
    sa.column("date", sa.Date),
    sa.column("asset_id", ExactText(191)),
    sa.column("source", ExactText(16)),
    sa.column("observed_at", UtcDateTime),
)


def _carry_charts() -> None:
    """Each chart becomes an answer, in the database itself, and its dates the coin's coverage."""
    bind = op.get_bind()
    known = set(bind.scalars(sa.select(COVERAGE.c.asset_id)))
    charts = bind.execute(sa.select(OLD.c.asset_id, OLD.c.fetched_at, OLD.c.covers_from, OLD.c.covers_to)).all()
    snapshots = _snapshots_after_charts()
    for chart in charts:
        if chart.asset_id in known:
            continue
        days = (chart.fetched_at.date() - chart.covers_from).days + 1 if chart.covers_from else 0
        covered = f'[["{chart.covers_from}", "{chart.covers_to}"]]' if chart.covers_from else "[]"
        first, last = snapshots.get(chart.asset_id, (None, None))
        bind.execute(
            sa.insert(CHARTS).from_select(
                ["asset_id", "answered_at", "days", "outcome", "body", "midnights", "is_written"],
                sa.select(
                    OLD.c.asset_id,
                    OLD.c.fetched_at,
                    sa.literal(days),
                    sa.literal("values", ExactText(16)),
                    OLD.c.body,
                    sa.literal(0),
                    sa.false(),
                ).where(
                    OLD.c.asset_id == chart.asset_id,
                    sa.literal(chart.asset_id, ExactText(191)).not_in(sa.select(CHARTS.c.asset_id)),
                ),
            )
        )
        bind.execute(
            sa.insert(COVERAGE).values(
                asset_id=chart.asset_id,
                covered=covered,
                points="[]",
                outcome="values",
                answered_at=chart.fetched_at,
                misses=0,
                snapshots_from=first,
                snapshots_to=last,
            )
        )


def _snapshots_after_charts() -> dict[str, tuple[object, object]]:
    """For each coin whose every date after its chart has a row: the first and the last of these dates."""
    after = (
        sa.select(MARKET.c.asset_id, sa.func.min(MARKET.c.date), sa.func.max(MARKET.c.date), sa.func.count())
        .join_from(OLD, MARKET, sa.and_(MARKET.c.asset_id == OLD.c.asset_id, MARKET.c.date > OLD.c.covers_to))
        .group_by(MARKET.c.asset_id)
    )
    rows = op.get_bind().execute(after).all()
    return {coin: (first, last) for coin, first, last, count in rows if (last - first).days + 1 == count}


def _carry_misses() -> None:
    """What the latest answer of a coin was where it brought nothing new, and when to ask again."""
    bind = op.get_bind()
    known = set(bind.scalars(sa.select(COVERAGE.c.asset_id)))
    for miss in bind.execute(sa.select(MISSES)).all():
        wait = (miss.ask_again_on - miss.asked_on).days
        state = {"misses": max(1, (wait // FIRST_WAIT_DAYS).bit_length()), "ask_again_on": miss.ask_again_on}
        if miss.asset_id in known:
            if miss.reason != "ended":
                state["outcome"] = miss.reason
            bind.execute(sa.update(COVERAGE).where(COVERAGE.c.asset_id == miss.asset_id).values(**state))
        else:
            bind.execute(
                sa.insert(COVERAGE).values(
                    asset_id=miss.asset_id,
                    covered="[]",
                    points="[]",
                    outcome=miss.reason,
                    answered_at=datetime.combine(miss.asked_on, time(), UTC),
                    **state,
                )
            )


def _count_coins_by_date() -> None:
    there = {column["name"] for column in sa.inspect(op.get_bind()).get_columns("global_market_daily")}
    for column in (
        sa.Column("coins", sa.Integer, comment="coins that have a row, the stale ones included (coins)"),
        sa.Column("coins_exact", sa.Integer, comment="coins whose row is the exact one of a chart (coins)"),
    ):
        if column.name not in there:
            op.add_column("global_market_daily", column)


def _mark_stale() -> None:
    """Snapshots whose own last update is more than a day before their date."""
    moment = (
        sa.func.datetime(MARKET.c.date, "-1 day")
        if op.get_bind().dialect.name == "sqlite"
        else sa.func.date_sub(MARKET.c.date, sa.text("INTERVAL 1 DAY"))
    )
    op.get_bind().execute(
        sa.update(MARKET).where(MARKET.c.source == "snapshot", MARKET.c.observed_at < moment).values(source="stale")
    )
