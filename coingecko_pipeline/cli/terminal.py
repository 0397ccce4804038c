"""What the commands show: bars in a terminal, plain lines elsewhere."""

import logging
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager

from rich.console import Console, ConsoleOptions, RenderableType
from rich.progress import BarColumn, MofNCompleteColumn, Progress, ProgressColumn, Task, TextColumn, TimeRemainingColumn
from rich.segment import Segment
from rich.text import Text

from coingecko_pipeline.acquisition.progress import LogProgress
from coingecko_pipeline.acquisition.progress import Progress as Watcher

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys rather than shows, and what turns the order of letters round."""


class PlainConsole(Console):
    """A terminal that takes no text for markup or a command: names are chosen by whoever lists a coin.

    What is to have a style is a `Text`.

    Args:
        stderr: Whether it is that of errors.
    """

    def __init__(self, *, stderr: bool = False) -> None:
        super().__init__(stderr=stderr, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is written, without commands but rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_COMMANDS.sub("\ufffd", segment.text))


CONSOLE = PlainConsole()
ERRORS = PlainConsole(stderr=True)


def tell_problem(label: str, words: str, style: str = "bold red") -> None:
    """One line about what is wrong, behind a label with a colour."""
    ERRORS.print(Text.assemble((f"{label}:", style), f" {words}"), highlight=False, soft_wrap=True)


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


class WaitColumn(ProgressColumn):
    """What is waited for, counted down, and how to leave.

    Args:
        clock: A monotonic clock in seconds.
    """

    def __init__(self, clock: Callable[[], float]) -> None:
        super().__init__()
        self._clock = clock
        self._until = 0.0
        self._reason = ""

    def wait(self, seconds: float, reason: str) -> None:
        """Count down so many seconds."""
        self._until, self._reason = self._clock() + seconds, reason

    def render(self, task: Task) -> Text:  # noqa: ARG002 - the wait is that of all tasks
        """The wait that is on, or nothing."""
        return Text(self.told(), style="yellow")

    def told(self) -> str:
        """The wait that is on; empty where none is."""
        left = self._until - self._clock()
        minutes, seconds = divmod(round(left), 60)
        return f"waiting {minutes}:{seconds:02d} more, since {self._reason}; Ctrl-C leaves" if left > 0 else ""


class BarProgress:
    """Progress as a bar with the units, the rate and the time left.

    Args:
        console: The terminal.
        clock: A monotonic clock in seconds.
    """

    def __init__(self, console: Console, clock: Callable[[], float] = time.monotonic) -> None:
        self._console = console
        self._wait = WaitColumn(clock)
        self._bar = Progress(
            TextColumn("{task.description}", style="bold", markup=False),
            BarColumn(),
            MofNCompleteColumn(),
            TextColumn("{task.fields[unit]}"),
            RateColumn(),
            TimeRemainingColumn(),
            self._wait,
            console=console,
        )
        self._task = self._bar.add_task("", visible=False, unit="")

    def begin(self, what: str, total: int, unit: str) -> None:
        """Show a bar for the work."""
        self._bar.reset(self._task, total=total, description=what, visible=True, unit=unit)
        self._bar.start()

    def advance(self, units: int = 1) -> None:
        """Move the bar."""
        self._bar.update(self._task, advance=units)

    def pause(self, seconds: float, reason: str) -> None:
        """Count down on the bar what is waited for, and why; in a line of its own where there is no bar yet."""
        self._wait.wait(seconds, reason)
        if not self._bar.live.is_started:
            told = self._wait.told()
            self._console.print(f"{told[0].upper()}{told[1:]}.", style="yellow", highlight=False)

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
