import io

import pytest
from rich.console import Console
from rich.table import Table

from coingecko_pipeline.cli.terminal import CONSOLE, BarProgress, PlainConsole, tell_problem, telling_time

HOSTILE = "[link=https://evil.example]free[/link] [/] :skull: \x1b[2J \u202egnp"
SHOWN = "[link=https://evil.example]free[/link] [/] :skull: \ufffd[2J \ufffdgnp"


def test_the_time_is_that_of_all_that_was_done_whatever_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([100.0, 1152.04])
    with pytest.raises(SystemExit), telling_time(lambda: next(moments)):
        raise SystemExit(1)
    assert capsys.readouterr().out == "It took 1,052.0 s.\n"


class Terminal:
    """A terminal of a fake clock, and what it shows."""

    def __init__(self) -> None:
        self.now = 100.0
        self._shown = io.StringIO()
        console = Console(file=self._shown, force_terminal=True, width=200, no_color=True, markup=False)
        self.progress = BarProgress(console, lambda: self.now)

    def shown(self) -> str:
        """What was shown since the last time."""
        text = self._shown.getvalue()
        self._shown.seek(0)
        self._shown.truncate()
        return text


def test_a_wait_is_counted_down_on_the_bar_with_its_reason_and_the_way_out() -> None:
    terminal = Terminal()
    progress = terminal.progress
    progress.begin("The market", 3, "pages")
    progress.pause(125, "CoinGecko answered 429 [sic]")
    progress._bar.refresh()
    assert "waiting 2:05 more, since CoinGecko answered 429 [sic]; Ctrl-C leaves" in terminal.shown()
    terminal.now += 120
    progress._bar.refresh()
    assert "waiting 0:05 more" in terminal.shown()
    terminal.now += 6
    progress._bar.refresh()
    progress.end()
    assert "waiting" not in terminal.shown().splitlines()[-1]


def test_a_wait_before_there_is_a_bar_has_a_line_of_its_own() -> None:
    terminal = Terminal()
    terminal.progress.pause(600, "CoinGecko answered 429")
    assert "Waiting 10:00 more, since CoinGecko answered 429; Ctrl-C leaves." in terminal.shown()


def test_a_hostile_name_is_shown_as_it_is_and_commands_nothing(capsys: pytest.CaptureFixture[str]) -> None:
    table = Table(title=HOSTILE)
    table.add_column("coin", no_wrap=True)
    table.add_row(HOSTILE)
    CONSOLE.print(f"The coin {HOSTILE}.", highlight=False, soft_wrap=True)
    CONSOLE.print(table)
    tell_problem("Failed", f"the market chart of {HOSTILE}")
    told = capsys.readouterr()
    assert f"The coin {SHOWN}.\n" in told.out
    assert told.out.count(SHOWN[:-3]) == 3
    assert "\x1b" not in told.out
    assert told.err == f"Failed: the market chart of {SHOWN}\n"


def test_a_bar_takes_no_reason_for_markup(capsys: pytest.CaptureFixture[str]) -> None:
    bar = BarProgress(PlainConsole())
    bar.begin("Charts", 2, "coins")
    bar.pause(30, "[/] [bold]the server asks for it")
    bar.end()
    assert "[/] [bold]the server asks" in capsys.readouterr().out
