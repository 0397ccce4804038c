import threading
from collections.abc import Iterator

import pytest

from coingecko_pipeline.acquisition.fetching import in_order


def test_results_come_in_the_order_of_the_calls_whichever_ends_first() -> None:
    second_done = threading.Event()

    def fetch(call: int) -> int:
        if call == 0:
            assert second_done.wait(30)
        if call == 1:
            second_done.set()
        return call

    assert list(in_order(range(10), fetch, threads=2, window=4)) == list(range(10))


def test_as_many_calls_as_threads_are_under_way_at_once() -> None:
    together = threading.Barrier(8, timeout=30)

    def fetch(call: int) -> int:
        together.wait()
        return call

    assert list(in_order(range(16), fetch, threads=8, window=8)) == list(range(16))


def test_no_more_calls_are_begun_than_the_window_holds() -> None:
    begun: list[int] = []

    def calls() -> Iterator[int]:
        for call in range(100):
            begun.append(call)
            yield call

    results = in_order(calls(), lambda call: call, threads=2, window=5)
    assert next(results) == 0
    assert len(begun) == 5
    assert next(results) == 1
    assert len(begun) == 6
    results.close()
    assert len(begun) == 6


def test_an_error_ends_the_work_and_lets_the_calls_under_way_end() -> None:
    ended: list[int] = []
    failing = threading.Event()

    def fetch(call: int) -> int:
        if call == 0:
            failing.set()
            raise ValueError("refused")
        assert failing.wait(30)
        ended.append(call)
        return call

    with pytest.raises(ValueError, match="refused"):
        list(in_order(range(100), fetch, threads=2, window=4))
    assert set(ended) <= {1, 2, 3}


def test_after_an_error_no_call_begins_although_nobody_has_come_to_it_yet() -> None:
    begun: list[int] = []
    failed, first_may_end = threading.Event(), threading.Event()

    def calls() -> Iterator[int]:
        yield 0
        yield 1
        assert failed.wait(30)
        yield from range(2, 10)
        first_may_end.set()

    def fetch(call: int) -> int:
        begun.append(call)
        if call == 0:
            assert first_may_end.wait(30)
        if call == 1:
            failed.set()
            raise ValueError("no room")
        return call

    with pytest.raises(ValueError, match="no room"):
        list(in_order(calls(), fetch, threads=2, window=48))
    assert begun == [0, 1]
