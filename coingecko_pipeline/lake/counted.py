"""Tables of the lake whose rows are only added, without a number: a date that has more of them is replaced."""

from collections import Counter
from collections.abc import Mapping
from datetime import date
from itertools import groupby

import pyarrow.compute as pc
from pyiceberg.table import Table
from sqlalchemy import Date, func, select

from coingecko_pipeline.lake.copied import CopiedTable
from coingecko_pipeline.lake.data_files import dates_of
from coingecko_pipeline.lake.opening import FOLLOWED
from coingecko_pipeline.lake.replacing import Change, Part, Replaced, files_by_month, replace
from coingecko_pipeline.lake.shapes import month_of
from coingecko_pipeline.measures import Span, merged
from coingecko_pipeline.warehouse import Database


def replace_counted(database: Database, table: Table, copied: CopiedTable, *, anew: bool) -> Replaced:
    """Replace the dates whose rows are not as many as those of the database.

    Args:
        database: What it is a copy of.
        table: Of the lake; as it is after that.
        copied: Of what it is a copy.
        anew: Whether all dates are replaced.
    """
    told = Replaced(whole=anew or FOLLOWED not in table.properties)
    stored, copied_rows = _stored(database, copied), _copied(table, copied)
    days = sorted(day for day in {*stored, *copied_rows} if anew or stored.get(day) != copied_rows.get(day))
    change, there = Change(table), files_by_month(table)
    for month, of_month in groupby(days, key=month_of):
        with database.connect() as connection:
            part = Part(month, merged(Span(day, day) for day in of_month))
            replace(connection, change, copied, part, there.get(month, ()), told)
    if days:
        change.commit({FOLLOWED: str(sum(stored.values()))})
    return told


def _stored(database: Database, copied: CopiedTable) -> Mapping[date, int]:
    day = func.date(copied.table.columns[copied.dated_by], type_=Date)
    query = select(day, func.count()).group_by(day)
    return database.run_reading(lambda connection: dict(connection.execute(query).tuples().all()))


def _copied(table: Table, copied: CopiedTable) -> Mapping[date, int]:
    if table.current_snapshot() is None:
        return {}
    days = dates_of(copied, table.scan(selected_fields=(copied.dated_by,)).to_arrow())
    return Counter({each["values"]: each["counts"] for each in pc.value_counts(days).to_pylist()})
