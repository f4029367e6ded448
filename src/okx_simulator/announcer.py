"""Who wants to hear of events? Pure; calls listeners in the order in which they came."""

from collections.abc import Callable

from okx_simulator.event import Event

LISTENERS_MAX = 16


class Announcer:
    """Passes every event on to the listeners, at once and in order."""

    def __init__(self) -> None:
        self._listeners: list[Callable[[Event], None]] = []

    @property
    def is_heard(self) -> bool:
        """Whether anyone listens; without, rows of events need not be made."""
        return bool(self._listeners)

    def listen(self, listener: Callable[[Event], None]) -> None:
        """Call `listener` with every event from now on; it must not call the exchange back.

        Raises:
            ValueError: There are too many listeners.
        """
        if len(self._listeners) >= LISTENERS_MAX:
            raise ValueError(f"more than {LISTENERS_MAX} listeners")
        self._listeners.append(listener)

    def emit(self, event: Event) -> None:
        """Tell everyone."""
        for listener in self._listeners:
            listener(event)
