"""How do all who ask OKX the same at once share one request?"""

import asyncio
from collections.abc import Callable, Coroutine, Hashable
from typing import Any, Generic, TypeVar

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import BudgetExhaustedError, DeadlineTooShortError
from okx_gateway.usecases.supervisor import Supervisor

_T = TypeVar("_T")


class SharedRead(Generic[_T]):
    """Requests under way, by what they ask for; an answer is given to nobody who asks after it."""

    def __init__(self, supervisor: Supervisor) -> None:
        self._supervisor = supervisor
        self._asking: dict[Hashable, asyncio.Task[_T]] = {}

    async def __call__(
        self, key: Hashable, read: Callable[[], Coroutine[Any, Any, _T]], deadline: Deadline
    ) -> _T:
        """Join the request for `key` that is under way, or else start `read`.

        Raises:
            GatewayError: What `read` fails with, or there is no answer within the deadline.
        """
        own = False
        while not own:
            task = self._asking.get(key)
            own = task is None
            if task is None:
                task = self._supervisor.start(read())
                self._asking[key] = task
                task.add_done_callback(lambda _: self._asking.pop(key, None))
            done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
            if not done or task.cancelled():
                break
            if own or not isinstance(task.exception(), BudgetExhaustedError):
                return task.result()
            # There was no room within the deadline of another, which is not ours.
        raise DeadlineTooShortError(0, 1)
