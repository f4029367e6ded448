"""How does an order run to its end when its caller has gone?

Holds the tasks that no caller may cancel, and waits for them when the gateway stops.
"""

import asyncio
from collections.abc import Coroutine
from functools import partial
from typing import Any, TypeVar

import structlog

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import GatewayError, StoppingError
from okx_gateway.usecases.call_room import CallRoom

_LOG = structlog.get_logger()
_T = TypeVar("_T")


class Supervisor:
    """At most `tasks_max` tasks; none is started once it is draining."""

    def __init__(self, *, tasks_max: int) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._room = CallRoom(tasks_max)
        self._draining = False

    def start(self, work: Coroutine[Any, Any, _T], *, placing: bool = False) -> asyncio.Task[_T]:
        """Run `work` to its end, whoever waits for it; `placing` leaves some room for the rest.

        Raises:
            OverloadedError: There are too many; `work` was not begun.
            StoppingError: The gateway is stopping; `work` was not begun.
        """
        try:
            if self._draining:
                raise StoppingError
            self._room.take(placing=placing)
        except GatewayError:
            work.close()
            raise
        return self._add(work, placing=placing)

    def follow_up(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run what a started task left to do, even while draining."""
        self._room.take_beyond()
        return self._add(work, placing=True)

    @property
    def running(self) -> int:
        """How many tasks are not at their end."""
        return len(self._tasks)

    async def drain(self, grace_s: float) -> int:
        """Start nothing more, wait up to `grace_s`; the number of tasks still not at their end."""
        self._draining = True
        deadline = Deadline.after(grace_s)
        while self._tasks and deadline.remaining_s() > 0:
            await asyncio.wait(self._tasks, timeout=deadline.remaining_s())
        left = len(self._tasks)
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)
        return left

    def _add(self, work: Coroutine[Any, Any, _T], *, placing: bool) -> asyncio.Task[_T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(partial(self._ended, placing=placing))
        return task

    def _ended(self, task: asyncio.Task[Any], *, placing: bool) -> None:
        self._tasks.discard(task)
        self._room.give_back(placing=placing)
        if task.cancelled():
            return
        error = task.exception()  # asked for, so that asyncio does not complain of it
        if error is not None and not isinstance(error, GatewayError):
            _LOG.error("a task failed", exc_info=error)
