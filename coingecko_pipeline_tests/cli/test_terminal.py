import pytest
from rich.table import Table

from coingecko_pipeline.cli.terminal import CONSOLE, tell_problem, telling_time

HOSTILE = "[link=https://evil.example]free[/link] [/] :skull: \x1b[2J \u202egnp"
SHOWN = "[link=https://evil.example]free[/link] [/] :skull: \ufffd[2J \ufffdgnp"


def test_the_time_is_that_of_all_that_was_done_whatever_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([100.0, 1152.04])
    with pytest.raises(SystemExit), telling_time(lambda: next(moments)):
        raise SystemExit(1)
    assert capsys.readouterr().out == "It took 1,052.0 s.\n"


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
