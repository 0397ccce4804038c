import pytest

from coingecko_pipeline.cli.terminal import telling_time


def test_the_time_is_that_of_all_that_was_done_whatever_came_of_it(capsys: pytest.CaptureFixture[str]) -> None:
    moments = iter([100.0, 1152.04])
    with pytest.raises(SystemExit), telling_time(lambda: next(moments)):
        raise SystemExit(1)
    assert capsys.readouterr().out == "It took 1,052.0 s.\n"
