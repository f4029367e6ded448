"""How does an order run to its end when its caller has gone?

Holds the tasks that no caller may cancel, and waits for them when the gateway stops.
"""

import asyncio
from collections.abc import Coroutine
from typing import Any, TypeVar

import structlog

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import GatewayError, OverloadedError, StoppingError

_LOG = structlog.get_logger()
_T = TypeVar("_T")


class Supervisor:
    """At most `tasks_max` tasks; none is started once it is draining."""

    def __init__(self, *, tasks_max: int) -> None:
        self._tasks: set[asyncio.Task[Any]] = set()
        self._tasks_max = tasks_max
        self._draining = False

    def start(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run `work` to its end, whoever waits for it.

        Raises:
            OverloadedError: There are too many; `work` was not begun.
            StoppingError: The gateway is stopping; `work` was not begun.
        """
        if self._draining or len(self._tasks) >= self._tasks_max:
            work.close()
            raise (
                StoppingError()
                if self._draining
                else OverloadedError("orders at once", self._tasks_max)
            )
        return self._add(work)

    def follow_up(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        """Run what a started task left to do, even while draining."""
        return self._add(work)

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

    def _add(self, work: Coroutine[Any, Any, _T]) -> asyncio.Task[_T]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._ended)
        return task

    def _ended(self, task: asyncio.Task[Any]) -> None:
        self._tasks.discard(task)
        if task.cancelled():
            return
        error = task.exception()  # asked for, so that asyncio does not complain of it
        if error is not None and not isinstance(error, GatewayError):
            _LOG.error("a task failed", exc_info=error)
