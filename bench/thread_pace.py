"""How is a client that blocks made to work like the others?  Touches threads and the clock."""

import asyncio
import itertools
import threading
import time
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor

from bench.pace import Tally, Work


class ThreadPace:
    """Makes `calls`, each in a thread of its own; see `pace`."""

    def __init__(self, calls: Sequence[Callable[[], None]]) -> None:
        self._calls = calls

    async def run(self, work: Work) -> Tally:
        """Make calls for the time that `work` says, and wait for the last of them."""
        tally = Tally()
        start_s = time.perf_counter()
        due = _DueTimes(work, start_s)
        loop = asyncio.get_running_loop()
        with ThreadPoolExecutor(len(self._calls)) as threads:
            await asyncio.gather(
                *(loop.run_in_executor(threads, _work, call, due, tally) for call in self._calls)
            )
        tally.seconds = time.perf_counter() - start_s
        return tally


class _DueTimes(Iterator[float]):
    """Times at which calls are due, shared by threads."""

    def __init__(self, work: Work, start_s: float) -> None:
        self._work = work
        self._start_s = start_s
        self._numbers = itertools.count()
        self._lock = threading.Lock()

    def __next__(self) -> float:
        work = self._work
        if not work.per_s:
            due_s = time.perf_counter()
        else:
            with self._lock:
                due_s = self._start_s + next(self._numbers) / work.per_s
        if due_s >= self._start_s + work.seconds:
            raise StopIteration
        return due_s


def _work(call: Callable[[], None], due: _DueTimes, tally: Tally) -> None:
    for due_s in due:
        time.sleep(max(0.0, due_s - time.perf_counter()))
        try:
            call()
        except Exception as error:  # noqa: BLE001  # whatever it is, it is counted and told
            tally.add(0.0, error)
        else:
            tally.add(time.perf_counter() - due_s)
