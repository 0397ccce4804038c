"""What the commands show: bars in a terminal, plain lines elsewhere."""

import logging
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.text import Text

from coingecko_pipeline.acquisition.progress import LogProgress
from coingecko_pipeline.acquisition.progress import Progress as Watcher

CONSOLE = Console()
ERRORS = Console(stderr=True)


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


@contextmanager
def telling_time(clock: Callable[[], float] = time.monotonic) -> Iterator[None]:
    """Tell at the end how long the whole work took, its checks included, whatever came of it.

    Args:
        clock: A monotonic clock in seconds.
    """
    began = clock()
    try:
        yield
    finally:
        CONSOLE.print(f"It took {clock() - began:,.1f} s.", highlight=False)


class RateColumn(ProgressColumn):
    """Units a minute."""

    def render(self, task: Task) -> Text:
        """The rate so far, or nothing before there is one."""
        return Text(f"{task.speed * 60:,.0f} a minute" if task.speed else "", style="cyan")


class BarProgress:
    """Progress as a bar with the units, the rate and the time left.

    Args:
        console: The terminal.
    """

    def __init__(self, console: Console) -> None:
        self._bar = Progress(
            TextColumn("[bold]{task.description}"),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            RateColumn(),
            TimeRemainingColumn(),
            console=console,
        )
        self._task = self._bar.add_task("", visible=False, unit="")
        self._what = ""

    def begin(self, what: str, total: int, unit: str) -> None:
        """Show a bar for the work."""
        self._what = what
        self._bar.reset(self._task, total=total, description=what, visible=True, unit=unit)
        self._bar.start()

    def advance(self, units: int = 1) -> None:
        """Move the bar."""
        self._bar.update(self._task, advance=units, description=self._what)

    def pause(self, seconds: float, reason: str) -> None:
        """Say on the bar that nothing will happen for a while, and why."""
        self._bar.update(self._task, description=f"{self._what} [yellow](pausing {seconds:.0f} s: {escape(reason)})[/]")

    def end(self) -> None:
        """Leave the bar as it stands."""
        self._bar.stop()


@contextmanager
def watching(console: Console = CONSOLE) -> Iterator[Watcher]:
    """A watcher for this terminal: a bar, or plain lines where the output is no terminal.

    Args:
        console: Where it tells.
    """
    if console.is_terminal:
        yield BarProgress(console)
        return
    log = logging.getLogger("coingecko_pipeline.progress")
    log.setLevel(logging.INFO)
    handler = logging.StreamHandler(console.file)
    handler.setFormatter(logging.Formatter("%(message)s"))
    log.addHandler(handler)
    log.propagate = False
    try:
        yield LogProgress(log)
    finally:
        log.removeHandler(handler)
