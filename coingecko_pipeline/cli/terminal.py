"""The terminal that the commands write to, and sentences for it."""

import logging
import os
import re
import shutil
import sys
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO

from rich.console import Console, ConsoleOptions, RenderableType
from rich.segment import Segment
from rich.text import Text

NAME = "coingecko-pipeline"

_COMMANDS = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x9f\u202a-\u202e\u2066-\u2069]")
"""What a terminal obeys rather than shows, and what turns the order of letters round."""


class PlainConsole(Console):
    """A terminal that takes no text for markup or a command: names are chosen by whoever lists a coin.

    What is to have a style is a `Text`.

    Args:
        file: Where it is; by default standard output, or standard error.
        stderr: Whether it is that of errors.
    """

    def __init__(self, file: IO[str] | None = None, *, stderr: bool = False) -> None:
        super().__init__(file=file, stderr=stderr, markup=False, emoji=False)

    def render(self, renderable: RenderableType, options: ConsoleOptions | None = None) -> Iterable[Segment]:
        """What is written, without commands but rich's own."""
        for segment in super().render(renderable, options):
            yield segment if segment.control else segment._replace(text=_COMMANDS.sub("\ufffd", segment.text))


def _own_terminal() -> IO[str] | None:
    """The terminal of the standard output by a descriptor of our own; None where it is none.

    While a run is at work, Dagster leads the standard streams into files and copies these here afterwards.
    """
    if not sys.stdout or not sys.stdout.isatty():
        return None
    return os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding=sys.stdout.encoding, errors=sys.stdout.errors)


CONSOLE = PlainConsole(_own_terminal())
ERRORS = CONSOLE if CONSOLE.is_terminal and sys.stderr.isatty() else PlainConsole(stderr=True)
"""Of errors; the same one where both are a terminal, so that no line of one goes through a bar of the other."""


def tell(sentence: str | Text, console: Console = CONSOLE) -> None:
    """One line, however long."""
    console.print(sentence, highlight=False, soft_wrap=True)


def tell_problem(label: str, words: str, style: str = "bold red") -> None:
    """One line about what is wrong, behind a label with a colour."""
    tell(Text.assemble((f"{label}:", style), f" {words}"), ERRORS)


def program() -> str:
    """This program as it was called: by its name where the shell finds it, else by its path."""
    called = Path(sys.argv[0])
    found = shutil.which(NAME)
    if not called.name.startswith(NAME) or (found and Path(found).resolve() == called.resolve()):
        return NAME
    path = called.resolve()
    return str(path.relative_to(Path.cwd()) if path.is_relative_to(Path.cwd()) else path)


class WarningLines(logging.Handler):
    """Each line that is logged, as one about what is wrong."""

    def emit(self, record: logging.LogRecord) -> None:
        """Tell it in its own words: Dagster puts the names of the run and the step before them."""
        words = getattr(record, "dagster_meta", {}).get("orig_message") or record.getMessage()
        is_error = record.levelno >= logging.ERROR
        tell_problem(record.levelname.capitalize(), words, "bold red" if is_error else "yellow")


def counted(number: int, noun: str) -> str:
    """A number with its noun, in the plural where it is not one."""
    return f"{number:,} {noun}" if number == 1 else f"{number:,} {noun}s"


def told_time(seconds: float) -> str:
    """A time as a clock shows it: 0:05, 14:02 or 1:14:02."""
    minutes, seconds = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{seconds:02d}" if hours else f"{minutes}:{seconds:02d}"


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
        tell(f"It took {clock() - began:,.1f} s.")
