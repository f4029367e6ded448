"""How do several processes run on one clock that nobody has to wait for?

An asyncio loop without threads and sockets. Time jumps to the next timer; which of the callbacks of
one moment runs first is drawn from a seed. Every callback belongs to the process in whose context
it was made, and a process can be paused, stopped in the middle of a callback, and killed.
"""

import asyncio
import heapq
import random
from asyncio import tasks
from collections.abc import Callable, Coroutine, Generator
from contextlib import suppress
from contextvars import Context, ContextVar, copy_context
from typing import Any

_PROCESS: "ContextVar[Process]" = ContextVar("process")
# Far more than the longest schedule takes; one that gets here goes round in circles.
_STEPS_MAX = 400_000


class Killed(BaseException):
    """The process that would go on here is dead."""


class Livelock(Exception):  # noqa: N818  # as above
    """The processes keep busy and time stands still, or nothing ever ends."""


class Process:
    """A simulated process: its callbacks, and clocks that differ from those of others."""

    def __init__(
        self, name: str, index: int, *, skew_us: int = 0, drift_ppm: float = 0.0, boot_us: int = 0
    ) -> None:
        self.name = name
        self.index = index
        self.alive = True
        self.pauses = 0
        self.held: list[Handle] = []
        self.skew_us = skew_us  # of the wall clock alone
        self.suspended_us = 0  # what the monotonic clock did not count
        self.stood_still_s = float("-inf")  # what it showed then, the last time
        self._boot_us = boot_us
        self._rate = 1.0 + drift_ppm / 1e6

    def monotonic_s(self, now_us: int) -> float:
        return (self._boot_us + (now_us - self.suspended_us) * self._rate) / 1e6

    def world_us(self, monotonic_s: float) -> int:
        """When `monotonic_s` of this process is reached; never early."""
        return -int(-(monotonic_s * 1e6 - self._boot_us) // self._rate) + self.suspended_us


class Handle:
    """A callback that waits for its turn."""

    __slots__ = ("arguments", "callback", "context", "process", "when_s")

    def __init__(
        self,
        callback: Callable[..., object],
        arguments: tuple[Any, ...],
        context: Context,
        process: Process,
        when_s: float = 0.0,
    ) -> None:
        self.callback: Callable[..., object] | None = callback
        self.arguments = arguments
        self.context = context
        self.process = process
        self.when_s = when_s

    def cancel(self) -> None:
        self.callback = None
        self.arguments = ()

    def cancelled(self) -> bool:
        return self.callback is None

    def when(self) -> float:
        return self.when_s


class _Task(asyncio.Task[Any]):
    """Hashed by its number: sets of tasks are walked in the same order in every run."""

    process: Process

    def __init__(self, number: int, coro: Any, **options: Any) -> None:
        self.number = number  # first: what is inherited puts the task into a set
        super().__init__(coro, **options)

    def __hash__(self) -> int:
        return self.number


class VirtualLoop:
    """See the module: as much of a loop as tasks, futures, timeouts and sleeps ask for.

    `shuffled` also draws the order of callbacks within one process.
    """

    def __init__(self, draw: random.Random, *, shuffled: bool) -> None:
        self.now_us = 0
        self.steps = 0
        self.digest = 0
        self.errors: list[str] = []
        self.world = Process("world", 0)
        self.current = self.world
        self._draw = draw.random
        self._shuffled = shuffled
        self._ready: list[Handle] = []
        self._timers: list[tuple[int, int, Handle]] = []
        self._timers_made = 0
        self._tasks: list[_Task] = []
        self._closed = False

    # What asyncio asks of a loop.

    def time(self) -> float:
        return self.current.monotonic_s(self.now_us)

    def call_soon(
        self, callback: Callable[..., object], *args: Any, context: Context | None = None
    ) -> Any:
        context = context if context is not None else copy_context()
        handle = Handle(callback, args, context, context.get(_PROCESS, self.world))
        self._ready.append(handle)
        return handle

    def call_later(
        self,
        delay: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        return self.call_at(self.time() + delay, callback, *args, context=context)

    def call_at(
        self,
        when: float,
        callback: Callable[..., object],
        *args: Any,
        context: Context | None = None,
    ) -> Any:
        context = context if context is not None else copy_context()
        process = context.get(_PROCESS, self.world)
        handle = Handle(callback, args, context, process, when)
        self._add_timer(process.world_us(when), handle)
        return handle

    def create_future(self) -> asyncio.Future[Any]:
        loop: Any = self
        return asyncio.Future(loop=loop)

    def create_task(self, coro: Any, *, name: Any = None, context: Any = None) -> Any:
        loop: Any = self
        task = _Task(len(self._tasks), coro, loop=loop, name=name, context=context)
        task.process = (context or copy_context()).get(_PROCESS, self.world)
        # Held until the end: what is dropped by nobody is not swept up at a moment of its own.
        self._tasks.append(task)
        return task

    def get_debug(self) -> bool:
        return False

    def is_running(self) -> bool:
        return not self._closed

    def is_closed(self) -> bool:
        return self._closed

    def call_exception_handler(self, context: dict[str, Any]) -> None:
        if not self._closed:
            self.errors.append(f"{context.get('message')}: {context.get('exception')!r}")

    # What the simulation does with it.

    def at_us(self, when_us: int, callback: Callable[..., object], *args: Any) -> Handle:
        """Have the world itself do something at a time."""
        handle = Handle(callback, args, copy_context(), self.world)
        self._add_timer(max(when_us, self.now_us), handle)
        return handle

    def in_us(self, delay_us: int, callback: Callable[..., object], *args: Any) -> Handle:
        """Have the world itself do something after a while."""
        return self.at_us(self.now_us + max(0, delay_us), callback, *args)

    def spawn(self, process: Process, work: Coroutine[Any, Any, Any]) -> asyncio.Task[Any]:
        """Start a task that belongs to `process`."""
        context = copy_context()
        context.run(_PROCESS.set, process)
        task: asyncio.Task[Any] = self.create_task(work, context=context)
        return task

    def delay(self, delay_us: int) -> "_Delay":
        """Awaitable for the calling process: the world's time, whatever the process' clock says."""
        return _Delay(self, delay_us)

    def pause(self, process: Process) -> None:
        """Hold its callbacks back until as many calls of `resume`."""
        process.pauses += 1

    def resume(self, process: Process) -> None:
        process.pauses -= 1
        if not process.pauses:
            held, process.held = process.held, []
            for handle in held:
                self._due(handle)

    def suspend(self, process: Process, for_us: int) -> None:
        """Pause it for a while that its monotonic clock does not count."""
        self.pause(process)
        self.in_us(for_us, self._wake, process, for_us)

    def _wake(self, process: Process, slept_us: int) -> None:
        process.suspended_us += slept_us
        process.stood_still_s = process.monotonic_s(self.now_us)
        self.resume(process)

    def kill(self, process: Process) -> None:
        process.alive = False
        process.held = []

    def stall(self, process: Process, until_us: int) -> None:
        """Hold `process` up in the middle of the callback that it is running.

        Raises:
            Killed: It was killed meanwhile; nothing of it may go on.
        """
        loop: Any = self
        task = asyncio.current_task(loop)
        if task is not None:
            tasks._leave_task(loop, task)
        self.pause(process)
        over: list[bool] = []
        self.at_us(until_us, over.append, True)
        while process.alive and not over and self._step():
            pass
        self.resume(process)
        while process.alive and process.pauses and self._step():
            pass
        self.current = process
        if task is not None:
            tasks._enter_task(loop, task)
        if not process.alive:
            raise Killed

    def run(self, until: Callable[[], bool]) -> bool:
        """Run until `until` says so; whether it did before there was nothing left to do."""
        loop: Any = self
        outer = asyncio._get_running_loop()
        asyncio._set_running_loop(loop)
        try:
            while not until():
                if not self._step():
                    if self.steps > _STEPS_MAX:
                        raise Livelock(f"more than {_STEPS_MAX} steps")
                    return False
            return True
        finally:
            asyncio._set_running_loop(outer)

    def close(self) -> None:
        """Let go of everything; what had not ended is no fault, an error nobody heard of is."""
        self._closed = True
        to_run = {handle.process for handle in self._ready}
        task: Any
        for task in self._tasks:
            task._log_destroy_pending = False
            # The set of all tasks outlives schedules, in each of which numbers begin anew.
            asyncio._unregister_task(task)
            if not task.done():
                # Now, and not whenever it is swept up; what it does in its last breath is lost.
                with suppress(BaseException):
                    task.get_coro().close()
            elif task._log_traceback and task.process.alive and task.process not in to_run:
                name = task.get_coro().__qualname__
                self.errors.append(f"nobody heard of {task.exception()!r} of {name}")
        self._tasks.clear()
        self._ready.clear()
        self._timers.clear()

    def _add_timer(self, when_us: int, handle: Handle) -> None:
        self._timers_made += 1
        heapq.heappush(self._timers, (when_us, self._timers_made, handle))

    def _step(self) -> bool:
        """Run one callback; whether there was one."""
        self.steps += 1
        if self.steps > _STEPS_MAX:
            return False
        handle = self._next()
        if handle is None:
            return False
        process = handle.process
        if handle.callback is None or not process.alive:
            return True
        if process.pauses:
            process.held.append(handle)
            return True
        self.current = process
        self.digest = (self.digest * 1_000_003 + self.now_us * 8 + process.index) & 0xFFFFFFFFFFFF
        try:
            handle.context.run(handle.callback, *handle.arguments)
        except Killed:
            pass
        except Exception as error:  # noqa: BLE001  # whatever it is, the schedule has failed
            self.errors.append(f"a callback failed: {error!r}")
        self.current = self.world
        return True

    def _next(self) -> Handle | None:
        ready, timers = self._ready, self._timers
        while True:
            if not ready:
                if not timers:
                    return None
                self.now_us = max(self.now_us, timers[0][0])
            while timers and timers[0][0] <= self.now_us:
                self._due(heapq.heappop(timers)[2])
            if ready:
                return ready.pop(self._choice(ready))

    def _due(self, handle: Handle) -> None:
        if handle.callback is None:
            return
        # The clock of a process that was suspended stood still: its timers are due later.
        due_us = handle.process.world_us(handle.when_s) if handle.when_s else 0
        if due_us > self.now_us:
            self._add_timer(due_us, handle)
        else:
            self._ready.append(handle)

    def _choice(self, ready: list[Handle]) -> int:
        """Which of `ready` runs next: any process, of its callbacks the first unless shuffled."""
        count = len(ready)
        if count == 1:
            return 0
        chosen = int(self._draw() * count)
        if self._shuffled:
            return chosen
        process = ready[chosen].process
        return next(index for index, each in enumerate(ready) if each.process is process)


class _Delay:
    """A pause by the world's clock."""

    __slots__ = ("_delay_us", "_loop")

    def __init__(self, loop: VirtualLoop, delay_us: int) -> None:
        self._loop = loop
        self._delay_us = delay_us

    def __await__(self) -> Generator[Any, None, None]:
        future = self._loop.create_future()
        handle = self._loop.in_us(self._delay_us, _wake, future)
        try:
            yield from future
        finally:
            handle.cancel()


def _wake(future: asyncio.Future[None]) -> None:
    if not future.done():
        future.set_result(None)
