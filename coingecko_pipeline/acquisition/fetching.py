"""Several calls under way at once, their results in the order of their importance."""

import threading
import time
from collections import deque
from collections.abc import Callable, Generator, Iterable, Iterator
from concurrent.futures import Future, wait
from queue import SimpleQueue
from typing import TypeVar

FETCH_THREADS = 16
"""At a quarter of a second an answer they make 64 calls a second, eight times the rate of the fastest plan: a slow
answer costs no rate. It is also the most that a killed process pays again."""

WINDOW = 48
"""Results that may wait for the writer, those under way included: some 40 kB each."""

GRACE_SECONDS = 5.0
"""For calls under way where the work ends early: nearly every answer is there within one, and what an answer cost is
archived. A run that is told to end has ten seconds in all."""

Call = TypeVar("Call")
Result = TypeVar("Result")


def in_order(
    calls: Iterable[Call],
    fetch: Callable[[Call], Result],
    end_waits: Callable[[], None] = lambda: None,
    threads: int = FETCH_THREADS,
    window: int = WINDOW,
) -> Generator[Result, None, None]:
    """Fetch with several threads and give the results in the order of the calls.

    Args:
        calls: What to fetch, most important first.
        fetch: Makes one call; runs in a thread.
        end_waits: Ends the waits of the calls that are under way.
        threads: Calls under way at most.
        window: Calls that were begun and whose results were not taken yet, at most.

    Raises:
        Exception: What ``fetch`` raised. From then on no call begins any more, nor do those that wait for their turn;
            those under way have `GRACE_SECONDS` to come to their end, and are left alone then. The same holds where
            the iterator is closed.
    """
    begun: SimpleQueue[tuple[Future[Result], Call] | None] = SimpleQueue()
    pending: deque[Future[Result]] = deque()
    failed = threading.Event()

    def work() -> None:
        while item := begun.get():
            future, call = item
            # Calls begin in their order: what has not begun comes after the one that failed.
            if failed.is_set():
                future.cancel()
            if not future.set_running_or_notify_cancel():
                continue
            try:
                future.set_result(fetch(call))
            except BaseException as error:  # whatever it is, the taker of the result gets it
                failed.set()
                future.set_exception(error)

    def taken(results: int) -> Iterator[Result]:
        for _ in range(results):
            # Removed once it is there: an interruption of this wait must not forget the call.
            result = pending[0].result()
            pending.popleft()
            yield result

    # Daemons: a server that does not answer must not keep a process that was told to end.
    workers = [threading.Thread(target=work, name=f"fetch-{number}", daemon=True) for number in range(threads)]
    for worker in workers:
        worker.start()
    try:
        for call in calls:
            future: Future[Result] = Future()
            pending.append(future)
            begun.put((future, call))
            if len(pending) >= window:
                yield from taken(1)
        yield from taken(len(pending))
    finally:
        under_way = [future for future in pending if not future.cancel()]
        for _ in workers:
            begun.put(None)
        deadline = time.monotonic() + GRACE_SECONDS
        while under_way and time.monotonic() < deadline:
            # Again and again: a thread may be just about to wait.
            end_waits()
            under_way = list(wait(under_way, 0.1).not_done)
