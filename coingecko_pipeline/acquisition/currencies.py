"""Currencies on past dates: what the archive lacks of them, whether the budget bears that, and what came of it.

One call brings a currency's year and more: bitcoin's chart in that currency. Bitcoin's dollars are what `market_charts`
has anyway, and are asked for only where they are missing.
"""

from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass, field
from datetime import date, datetime, timedelta
from difflib import get_close_matches
from typing import Any

from sqlalchemy import Connection, func, select

from coingecko_pipeline import tables
from coingecko_pipeline.acquisition.budget import read_budget
from coingecko_pipeline.acquisition.history import acquire_history
from coingecko_pipeline.acquisition.planning import AcquisitionError, ChartCall, Request
from coingecko_pipeline.acquisition.progress import Progress
from coingecko_pipeline.acquisition.usage import UsageLedger
from coingecko_pipeline.archive.answers import ChartRecord, Outcome, record_of
from coingecko_pipeline.archive.coverage import read_coverage
from coingecko_pipeline.archive.currency_charts import CurrencyCoverage, read_currency_coverage, store_currency_chart
from coingecko_pipeline.archive.dates import DateIntervals, DateRange
from coingecko_pipeline.market.rates import MEASURE, write_rates
from coingecko_pipeline.sources.coingecko import CoinGecko
from coingecko_pipeline.sources.coingecko.client import latest_complete_date
from coingecko_pipeline.sources.coingecko.errors import HistoryLimit, NotFound
from coingecko_pipeline.sources.coingecko.plans import Plan
from coingecko_pipeline.sources.coingecko.rates import CURRENCY_CODE
from coingecko_pipeline.sources.errors import BrokenAnswer, CallerRefused, ConnectionFailed, RateLimited, SourceError
from coingecko_pipeline.warehouse import Database

DOLLAR = "usd"

RENEWED_AFTER = 30
"""Dates of a currency that have only a current rate, with which it is asked for by itself: a call a month."""

ASKED_EVERY = timedelta(days=7)
"""By itself a currency is asked for once a week at most, whatever came the last time."""

STOPPING = (CallerRefused, HistoryLimit, ConnectionFailed, RateLimited)
"""What is wrong with one call is wrong with every other one, or says nothing of the currency."""


@dataclass(frozen=True)
class CurrencyPlan:
    """The charts to ask for.

    Attributes:
        archived: Currencies of which the archive has all that the dates need.
        calls: The calls to make; `coin_id` is the currency's code.
        dollars: The dates on which bitcoin's price in dollars is missing, which is one more call; None where none is.
    """

    archived: tuple[str, ...]
    calls: tuple[ChartCall, ...]
    dollars: DateRange | None

    @property
    def needed(self) -> int:
        """Calls, bitcoin's included."""
        return len(self.calls) + (self.dollars is not None)


@dataclass
class CurrencyResult:
    """What came of the calls.

    Attributes:
        outcomes: What the answer to each currency's call was.
        faulty: Currencies whose answer was no chart with values, with the reason.
        rates: Rates written, by currency.
        waiting: Archived charts some of whose dates wait for bitcoin's price in dollars.
    """

    outcomes: dict[str, str] = field(default_factory=dict)
    faulty: dict[str, str] = field(default_factory=dict)
    rates: dict[str, int] = field(default_factory=dict)
    waiting: int = 0


@dataclass(frozen=True)
class CurrencyWork:
    """A request of past dates of currencies, planned and within the budget.

    Attributes:
        plan: The calls.
        dates: The dates that are wanted.
    """

    plan: CurrencyPlan
    dates: DateRange
    _database: Database
    _client: CoinGecko
    _progress: Progress

    def run(self) -> Mapping[str, Any]:
        """Make the calls, archive what comes, and write the rates; what came of it, as counts by name.

        Raises:
            AcquisitionError: Bitcoin's dollars are missing and cannot be asked for.
            SourceError: The key or the plan is wrong, or the server does not answer.
        """
        database, client = self._database, self._client
        dollars: Mapping[str, Any] = {}
        if self.plan.dollars is not None:
            history = acquire_history(Request(self.plan.dollars, (MEASURE,)), database, client, self._progress)
            history.run()
            dollars = history.facts()
        ledger, result = UsageLedger(database, client), CurrencyResult()
        what = f"Currencies for {self.dates}"
        self._progress.begin(what, len(self.plan.calls), "calls", client.plan.calls_per_minute)
        try:
            for call in self.plan.calls:
                _archive(_ask(call, client), ledger, result)
                self._progress.advance()
        finally:
            ledger.record()
            written = write_rates(database)
            result.rates, result.waiting = dict(written.rates), written.waiting
            self._progress.end()
        left = read_budget(database, client.plan, client.now().date()).left
        return {
            "currencies_archived": list(self.plan.archived),
            "answers": result.outcomes,
            "currencies_faulty": result.faulty,
            "rates_written": sum(result.rates.values()),
            "charts_waiting_for_dollars": result.waiting,
            **({} if left is None else {"credits_left": left}),
            **{name: value + dollars.get(name, 0) for name, value in asdict(ledger.spent).items()},
        }


def acquire_currencies(
    currencies: Sequence[str], dates: DateRange, database: Database, client: CoinGecko, progress: Progress
) -> CurrencyWork:
    """Plan past dates of some currencies, and check them against the month's budget before the first call.

    Args:
        currencies: Their codes in lower case, each once.
        dates: The dates that are wanted.
        database: Where everything is kept.
        client: CoinGecko.
        progress: Told how far the work is.

    Raises:
        AcquisitionError: It cannot be fetched, or the budget does not bear it; nothing was spent.
    """
    coverage, dollars = read_currency_coverage(database, currencies), _dollars(database)
    plan = plan_currencies(currencies, dates, coverage, dollars, client.plan, client.now())
    budget = read_budget(database, client.plan, client.now().date())
    budget.require(f"{', '.join(currencies)} of {dates}", plan.needed)
    return CurrencyWork(plan, dates, database, client, progress)


def due_currencies(
    currencies: Sequence[str], database: Database, plan: Plan, now: datetime
) -> tuple[tuple[str, ...], DateRange]:
    """Which currencies to complete by themselves now, and the dates that the plan serves.

    Those that lack a date without any rate, or that have `RENEWED_AFTER` dates with only a current one; none that was
    asked for in the last week, and none that today's credits do not bear.

    Args:
        currencies: The codes of the setting CURRENCIES.
        database: Where everything is kept.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.
    """
    latest = latest_complete_date(now)
    dates = DateRange(min(plan.earliest_date(now.date()), latest), latest)
    coverage = read_currency_coverage(database, currencies)
    due = []
    for currency in dict.fromkeys(currencies):
        known = coverage.get(currency)
        missing = _missing(known, dates)
        waits = known is not None and now - known.answered_at < ASKED_EVERY
        if currency == DOLLAR or waits or not missing:
            continue
        if missing.count() >= RENEWED_AFTER or _without_a_rate(database, currency, missing):
            due.append(currency)
    left = read_budget(database, plan, now.date()).left
    # One credit is for bitcoin's dollars.
    return tuple(due if left is None else due[: max(0, left - 1)]), dates


def checked_currencies(currencies: Sequence[str], database: Database) -> tuple[str, ...]:
    """The codes in lower case, each once.

    Raises:
        AcquisitionError: One is no code, is the dollar's, or is none of those whose current rates CoinGecko tells.
    """
    chosen = tuple(dict.fromkeys(code.strip().lower() for code in currencies))
    told = _told_currencies(database)
    for code in chosen:
        if code == DOLLAR:
            raise AcquisitionError("The tables are in US dollars, which need no rate; leave usd out.")
        if not CURRENCY_CODE.fullmatch(code) or (told and code not in told):
            close = get_close_matches(code, told, n=3)
            hint = (
                f"did you mean {' or '.join(close)}?" if close else "write a code such as eur; fx_rates has them all."
            )
            raise AcquisitionError(f"{code!r} is no currency that CoinGecko knows; {hint}")
    return chosen


def _told_currencies(database: Database) -> frozenset[str]:
    """Every currency that has a rate; none before the first current ones, since until then most have none."""
    rates = tables.fx_rates
    current = select(rates.c.currency).where(rates.c.source == tables.CURRENT_RATE).limit(1)

    def read(connection: Connection) -> frozenset[str]:
        if connection.scalar(current) is None:
            return frozenset()
        return frozenset(connection.scalars(select(rates.c.currency).distinct()))

    return database.run_reading(read)


def plan_currencies(
    currencies: Sequence[str],
    dates: DateRange,
    coverage: Mapping[str, CurrencyCoverage],
    dollars: DateIntervals,
    plan: Plan,
    now: datetime,
) -> CurrencyPlan:
    """The charts to ask for: a pure function.

    Args:
        currencies: Their codes.
        dates: The dates that are wanted.
        coverage: What the archived charts have spoken for, by currency.
        dollars: The dates that bitcoin's archived charts in dollars have spoken for.
        plan: The CoinGecko plan.
        now: The current UTC time, aware.

    Raises:
        AcquisitionError: A call would have to reach further back than the plan serves.
    """
    complete, earliest = latest_complete_date(now), plan.earliest_date(now.date())
    needed = DateRange(min(dates.first, complete), min(dates.last, complete))
    missing = {currency: _missing(coverage.get(currency), needed) for currency in currencies}
    calls = tuple(ChartCall(currency, each.first) for currency, each in missing.items() if each.first is not None)
    lacking = dollars.lacking(needed)
    firsts = [call.first for call in calls] + ([lacking.first] if lacking.first else [])
    if firsts and min(firsts) < earliest:
        raise AcquisitionError(
            f"{dates} begins before {earliest}, the earliest date that the plan {plan.name} serves today, and the "
            f"archive lacks {min(firsts)}; begin at {earliest}, or set COINGECKO_PLAN to a plan with more history."
        )
    archived = tuple(currency for currency, each in missing.items() if not each)
    return CurrencyPlan(archived, calls, DateRange(lacking.first, needed.last) if lacking.first else None)


def _missing(known: CurrencyCoverage | None, dates: DateRange) -> DateIntervals:
    return (known.covered if known else DateIntervals()).lacking(dates)


def _without_a_rate(database: Database, currency: str, missing: DateIntervals) -> bool:
    """Whether one of the dates has not even a current rate."""
    rates = tables.fx_rates

    def count(connection: Connection) -> int:
        return sum(
            connection.execute(
                select(func.count()).where(rates.c.currency == currency, rates.c.date.between(each.first, each.last))
            ).scalar_one()
            for each in missing
        )

    return database.run_reading(count) < missing.count()


def _dollars(database: Database) -> DateIntervals:
    known = read_coverage(database, [MEASURE]).get(MEASURE)
    return known.covered if known else DateIntervals()


def _ask(call: ChartCall, client: CoinGecko) -> ChartRecord:
    """Make a call; one currency never stops the others.

    Raises:
        SourceError: The key or the plan is wrong, or the server does not answer.
    """
    currency, days = call.coin_id, call.days(client.plan, client.now().date())
    try:
        answer = client.market_chart(MEASURE, days, currency)
    except STOPPING:
        raise
    except SourceError as error:
        body = error.body if isinstance(error, BrokenAnswer) else None
        outcome = Outcome.UNREADABLE if isinstance(error, BrokenAnswer) else Outcome.REFUSED
        outcome = Outcome.NOT_FOUND if isinstance(error, NotFound) else outcome
        return ChartRecord(currency, days, client.now(), outcome, body, reason=str(error))
    return record_of(currency, days, answer.answered_at, answer.body)


def _archive(record: ChartRecord, ledger: UsageLedger, result: CurrencyResult) -> None:
    ledger.record(lambda connection: store_currency_chart(connection, record))
    result.outcomes[record.coin_id] = record.outcome.value
    if record.outcome is not Outcome.VALUES:
        result.faulty[record.coin_id] = record.reason or "The chart has no value."


def take_current_rates(client: CoinGecko, database: Database) -> tuple[date, Mapping[str, float], int] | None:
    """Today's rates: their date, the price of one unit in US dollars by currency, and how many entries told none.

    None, and no call, where today has them. Each day's reserve holds a call beyond its list and pages, which this one
    is, so the budget is not asked.

    Args:
        client: CoinGecko.
        database: Where the rates are, and where the calls are counted.

    Raises:
        SourceError: The call failed for good.
    """
    rates, today = tables.fx_rates, client.now().date()
    stored = select(rates.c.currency).where(rates.c.date == today, rates.c.source == tables.CURRENT_RATE).limit(1)
    if database.run_reading(lambda connection: connection.scalar(stored)) is not None:
        return None
    ledger = UsageLedger(database, client)
    try:
        told, answered_at = client.exchange_rates()
    finally:
        ledger.record()
    return answered_at.date(), told.usd_per_unit, told.left_out
