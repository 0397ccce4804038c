"""Arithmetic with dates inside the database, which MySQL and MariaDB spell in one way and SQLite in another."""

from datetime import date, timedelta
from typing import Literal

from sqlalchemy import ColumnElement, Date, func

from coingecko_pipeline.warehouse.database import Kind

Period = Literal["week", "month"]
"""An ISO week, which begins on its Monday, or a calendar month."""


def days_later(day: ColumnElement[date], days: int | ColumnElement[int], kind: Kind) -> ColumnElement[date]:
    """The date so many days after another; before it where the number is negative."""
    if kind == "sqlite":
        return func.date(day, func.printf("%+d days", days), type_=Date())
    return func.adddate(day, days, type_=Date())


def start_of(period: Period, day: ColumnElement[date], kind: Kind) -> ColumnElement[date]:
    """The first date of the period that a date is in."""
    if kind == "sqlite":
        # Of the six days before a date and itself exactly one is a Monday.
        modifiers = ("-6 days", "weekday 1") if period == "week" else ("start of month",)
        return func.date(day, *modifiers, type_=Date())
    passed = func.weekday(day) if period == "week" else func.dayofmonth(day) - 1
    return func.from_days(func.to_days(day) - passed, type_=Date())


def end_of(period: Period, start: ColumnElement[date], kind: Kind) -> ColumnElement[date]:
    """The first date of the period after the one that begins on a date."""
    if period == "week":
        return days_later(start, 7, kind)
    if kind == "sqlite":
        return func.date(start, "+1 month", type_=Date())
    return days_later(func.last_day(start), 1, kind)


def period_start(period: Period, day: date) -> date:
    """The first date of the period that a date is in, without a database."""
    return day - timedelta(days=day.weekday()) if period == "week" else day.replace(day=1)


def period_end(period: Period, start: date) -> date:
    """The first date of the period after the one that begins on a date, without a database."""
    return start + timedelta(days=7) if period == "week" else (start + timedelta(days=31)).replace(day=1)
