"""How many calls and streams may run at once, and do any new ones?  Pure bookkeeping.

Shared by gRPC and REST, so that the bounds hold for both together.
"""

from collections.abc import Iterator
from contextlib import contextmanager

from okx_gateway.domain.errors import OverloadedError, StoppingError


class Admission:
    """Counts what runs; refuses what is too much, and everything once `close` was called."""

    def __init__(self, *, calls_max: int, streams_max: int) -> None:
        self._limits = {"calls": calls_max, "streams": streams_max}
        self._running = {"calls": 0, "streams": 0}
        self._closed = False

    def close(self) -> None:
        """Let nothing new in."""
        self._closed = True

    @property
    def closed(self) -> bool:
        """Whether the gateway is stopping."""
        return self._closed

    @contextmanager
    def call(self) -> Iterator[None]:
        """Let one call in for the block.

        Raises:
            OverloadedError, StoppingError: It is not let in; nothing was done.
        """
        with self._counted("calls"):
            yield

    @contextmanager
    def stream(self) -> Iterator[None]:
        """Let one stream in for the block.

        Raises:
            OverloadedError, StoppingError: It is not let in; nothing was done.
        """
        with self._counted("streams"):
            yield

    @contextmanager
    def _counted(self, what: str) -> Iterator[None]:
        if self._closed:
            raise StoppingError
        if self._running[what] >= self._limits[what]:
            raise OverloadedError(what, self._limits[what])
        self._running[what] += 1
        try:
            yield
        finally:
            self._running[what] -= 1
