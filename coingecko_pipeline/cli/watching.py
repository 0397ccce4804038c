"""What is at work just now: a live view in a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Protocol

from rich.console import Console, Group, RenderableType
from rich.live import Live
from rich.progress_bar import ProgressBar
from rich.spinner import Spinner
from rich.table import Table
from rich.text import Text

from coingecko_pipeline.acquisition.progress import LogProgress, Progress, Work
from coingecko_pipeline.cli.terminal import CONSOLE, told_time

FRAMES_PER_SECOND = 8


class View(Progress, Protocol):
    """Who watches a command."""

    def doing(self, what: str) -> None:
        """What is done from now on, for whoever looks at it."""

    def step(self, what: str) -> None:
        """The step of a run that begins, for whoever reads it afterwards too."""


class LiveView:
    """The lowest lines of a terminal: what is done and since when, the bar of what is counted, and what is waited for.

    Lines that are told meanwhile stand above it.

    Args:
        console: The terminal.
        clock: A monotonic clock in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._clock = clock
        self._spinner = Spinner("line" if console.options.ascii_only else "dots")
        self._began = clock()
        self._what = ""
        self._work: Work | None = None
        self._until = 0.0
        self._reason = ""
        self._live = Live(
            get_renderable=self.rendered, console=console, refresh_per_second=FRAMES_PER_SECOND, transient=True
        )

    def __enter__(self) -> "LiveView":
        self._live.start(refresh=True)
        return self

    def __exit__(self, *_error: object) -> None:
        self._live.stop()

    def doing(self, what: str) -> None:
        """Show what is done."""
        self._what, self._began = what, self._clock()

    def step(self, what: str) -> None:
        """Show which step is at work."""
        self.doing(what)

    def begin(self, what: str, total: int, unit: str, per_minute: int | None = None) -> None:
        """Show a bar."""
        self._work = Work(what, total, unit, per_minute, self._clock())

    def advance(self, units: int = 1, rows: int = 0) -> None:
        """Move the bar."""
        if self._work:
            self._work.advance(units, rows)

    def pause(self, seconds: float, reason: str) -> None:
        """Count down what is waited for."""
        self._until, self._reason = self._clock() + seconds, reason

    def end(self) -> None:
        """Take the bar away: what came of the work is told by who began it."""
        self._work = None
        self._until = 0.0

    def rendered(self) -> RenderableType:
        """What it shows just now."""
        now = self._clock()
        lines: list[RenderableType] = [
            _line(self._spinner, Text(self._what, "bold"), Text(told_time(now - self._began), "dim"))
        ]
        if work := self._work:
            what, counts = Text(f"  {work.what}"), Text(f"{work.done:,}/{work.total:,} {work.unit}", "cyan")
            width = min(self._console.width // 4, self._console.width - len(what) - len(counts) - 2)
            bar = [ProgressBar(total=max(work.total, 1), completed=work.done, width=width)] if width > 0 else []
            lines.append(_line(what, *bar, counts))
            facts = [f"{work.rows:,} rows"] if work.rows else []
            rate, left = work.rate(now), work.seconds_left(now)
            if rate is not None and left is not None:
                facts += [f"{rate:,.0f} a minute", f"{told_time(left)} left"]
            elif work.per_minute is not None:
                facts.append(f"at most {work.per_minute:,} a minute")
            lines.append(Text(f"  {', '.join(facts)}", "cyan"))
        if (waiting := self._until - now) > 0:
            lines.append(Text(f"  waiting {told_time(waiting)} more, since {self._reason}; Ctrl-C leaves", "yellow"))
        return Group(*lines)


def _line(*parts: RenderableType) -> RenderableType:
    """Parts side by side, cut where the terminal is too narrow for them."""
    line = Table.grid(padding=(0, 1))
    for _ in parts:
        line.add_column(no_wrap=True, overflow="ellipsis")
    line.add_row(*parts)
    return line


class PlainView(LogProgress):
    """Lines for what is no terminal.

    Args:
        log: Where they go.
    """

    def doing(self, what: str) -> None:
        """Nothing that a log should keep."""

    def step(self, what: str) -> None:
        """Tell which step begins."""
        self._log.info("%s …", what)


_views: list[View] = []
"""The one of this command, once it is at work."""


@contextmanager
def at_work(what: str, console: Console = CONSOLE) -> Iterator[View]:
    """The view of a command while it works; within another's time that one, and no other.

    Args:
        what: What is done first.
        console: Where it is shown.
    """
    if _views:
        _views[0].doing(what)
        yield _views[0]
        return
    with LiveView(console) if console.is_terminal else _plain(console) as view:
        view.doing(what)
        _views.append(view)
        try:
            yield view
        finally:
            _views.clear()


@contextmanager
def _plain(console: Console) -> Iterator[PlainView]:
    log = logging.getLogger("coingecko_pipeline.progress")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(console.file)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.propagate = False
    try:
        yield PlainView(log)
    finally:
        log.removeHandler(handler)
