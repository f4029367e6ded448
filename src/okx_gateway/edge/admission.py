"""How many calls and streams may run at once, and do any new ones?  Pure bookkeeping.

Shared by gRPC and REST, so that the bounds hold for both together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from okx_gateway.domain.errors import OverloadedError, StoppingError
from okx_gateway.usecases.call_room import CallRoom

_PLACING = "PlaceOrder"


class Admission:
    """Counts what runs; refuses what is too much, and everything once `close` was called."""

    def __init__(self, *, calls_max: int, streams_max: int) -> None:
        self.calls_max = calls_max
        self.streams_max = streams_max
        self._calls = CallRoom(calls_max)
        self._streams = 0
        self._closed = False

    def close(self) -> None:
        """Let nothing new in."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the gateway is stopping."""
        return self._closed

    @contextmanager
    def call(self, rpc: str) -> Iterator[None]:
        """Let one call of `rpc` in for the block; orders leave some room for the other calls.

        Raises:
            OverloadedError, StoppingError: It is not let in; nothing was done.
        """
        if self._closed:
            raise StoppingError
        placing = rpc == _PLACING
        self._calls.take(placing=placing)
        try:
            yield
        finally:
            self._calls.give_back(placing=placing)

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Let one stream in for the block.

        Raises:
            OverloadedError, StoppingError: It is not let in; nothing was done.
        """
        if self._closed:
            raise StoppingError
        if self._streams >= self.streams_max:
            raise OverloadedError("streams", self.streams_max)
        self._streams += 1
        try:
            yield
        finally:
            self._streams -= 1
