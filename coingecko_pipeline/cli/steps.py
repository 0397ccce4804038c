"""Which step of a run is at work, in words."""

import logging
from collections.abc import Callable

import dagster as dg

from coingecko_pipeline.sources.registry import COINGECKO, SNAPSHOT_SOURCES, SOURCES

CHECKS = "_checks"
"""What the name of a step ends with that evaluates the checks of a table."""

TITLES = {
    "daily_market_job": "Today's market",
    "asset_list_job": "The list of coins",
    "market_charts_job": "Charts",
    "market_checks_job": "Checks",
    "currency_charts_job": "Currencies",
    "measures_job": "Derived tables",
    "source_agreement_job": "Agreement",
    "market_report_job": "Report",
    "lake_job": "The lake",
    **{f"{source.name}_daily_job": f"{source.title}'s market" for source in SNAPSHOT_SOURCES},
    **{f"{source.name}_checks_job": f"{source.title}'s checks" for source in SNAPSHOT_SOURCES},
}
"""What each job is about that a command runs."""


class Steps:
    """Tells of each step of a run that begins, whose events it is given.

    Args:
        job: The name of the run's job.
        tell: Told what is done.

    Attributes:
        of: How many steps there are.
    """

    def __init__(self, job: str, tell: Callable[[str], None]) -> None:
        self.of = 1
        self._title = TITLES[job]
        self._begun = 0
        self._tell = tell

    def take(self, event: dg.DagsterEvent) -> None:
        """Tell of the step that an event begins, if it begins one."""
        if event.event_type == dg.DagsterEventType.STEP_START and event.step_key:
            self._begun += 1
            number = f" ({self._begun} of {self.of})" if self.of > 1 else ""
            self._tell(f"{self._title}: {words_of_step(event.step_key)}{number}")

    def logger(self) -> dg.LoggerDefinition:
        """A logger of Dagster's that gives each event of a run in this process."""
        handler = _EventHandler(self.take)

        def steps(_context: dg.InitLoggerContext) -> logging.Logger:
            log = logging.Logger("coingecko_pipeline.steps")
            log.addHandler(handler)
            return log

        return dg.LoggerDefinition(steps, description="Tells the command which step is at work.")


class _EventHandler(logging.Handler):
    """Gives the events of a run's log."""

    def __init__(self, take: Callable[[dg.DagsterEvent], None]) -> None:
        super().__init__()
        self._take = take

    def emit(self, record: logging.LogRecord) -> None:
        """Give the event of a record, where it has one."""
        event = getattr(record, "dagster_event", None)
        if isinstance(event, dg.DagsterEvent):
            self._take(event)


def words_of_step(key: str) -> str:
    """What a step is about, from its key such as `coingecko__market_changes_checks`."""
    source, separator, name = key.partition("__")
    if not separator:
        return key
    is_of_checks = name.endswith(CHECKS)
    table = words_of_table(source, name.removesuffix(CHECKS))
    return f"checks of {table}" if is_of_checks else table


def words_of_table(source: str, name: str) -> str:
    """A table as a line tells it, with whose it is where that is not CoinGecko's.

    Args:
        source: The source's name.
        name: The table's.
    """
    title = next((each.title for each in SOURCES if each.name == source), source)
    return name if source == COINGECKO.name else f"{title}'s {name}"
