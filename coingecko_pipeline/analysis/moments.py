"""Dates and moments as they are asked for."""

from datetime import UTC, date, datetime, time

from coingecko_pipeline.analysis.errors import InvalidQuestion

Day = date | str
"""A UTC date, or its text such as 2026-10-31."""


def to_date(day: Day) -> date:
    """A date.

    Raises:
        InvalidQuestion: It is none.
    """
    if isinstance(day, datetime):
        if (moment := to_moment(day)).timetz().replace(tzinfo=None) != time():
            raise InvalidQuestion(f"{day} is a moment within a day, and a date is needed")
        return moment.date()
    if isinstance(day, date):
        return day
    try:
        return date.fromisoformat(day)
    except (ValueError, TypeError):
        raise InvalidQuestion(f"{day!r} is no date: write it as 2026-10-31") from None


def to_range(first: Day | None, last: Day | None) -> tuple[date, date]:
    """The first and the last date; the widest there can be where they are None.

    Raises:
        InvalidQuestion: One is no date, or they are in the wrong order.
    """
    dates = to_date(first) if first is not None else date.min, to_date(last) if last is not None else date.max
    if dates[1] < dates[0]:
        raise InvalidQuestion(f"the last date, {dates[1]}, comes before the first, {dates[0]}")
    return dates


def to_moment(when: Day) -> datetime:
    """A moment in UTC: of a date its 00:00:00. One without a time zone is one in UTC.

    Raises:
        InvalidQuestion: It is none.
    """
    if isinstance(when, str):
        try:
            when = datetime.fromisoformat(when)
        except ValueError:
            raise InvalidQuestion(
                f"{when!r} is no date and no moment: write it as 2026-10-31 or 2026-10-31T17:30:00Z"
            ) from None
    if not isinstance(when, datetime):
        return datetime.combine(when, time(), UTC)
    return when.replace(tzinfo=UTC) if when.tzinfo is None else when.astimezone(UTC)
