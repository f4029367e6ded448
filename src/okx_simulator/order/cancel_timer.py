"""When are all pending orders of an account cancelled, because its owner went silent? Pure.

Source: OKX docs, 'Cancel All After': one timer for the account and one for each of up to 20 tags.
"""

from okx_simulator.error_code import RefusedError

TAGS_MAX = 20
SECONDS_MIN, SECONDS_MAX = 10, 120


class CancelTimers:
    """Armed timers by account and tag; the empty tag stands for all orders."""

    def __init__(self) -> None:
        self._due_ms: dict[tuple[str, str], int] = {}

    def arm(self, uid: str, tag: str, seconds: int, now_ms: int) -> int:
        """Start a timer anew, or stop it where `seconds` is 0; return when it is due in ms, or 0.

        Raises:
            RefusedError: 51000, not 0 nor 10 to 120 seconds; 51071, too many tags.
        """
        if seconds == 0:
            self._due_ms.pop((uid, tag), None)
            return 0
        if not SECONDS_MIN <= seconds <= SECONDS_MAX:
            raise RefusedError("51000", "timeOut")
        tags = {known for owner, known in self._due_ms if owner == uid and known}
        if tag and tag not in tags and len(tags) >= TAGS_MAX:
            raise RefusedError("51071")
        self._due_ms[uid, tag] = now_ms + seconds * 1_000
        return self._due_ms[uid, tag]

    def take_due(self, now_ms: int) -> list[tuple[str, str]]:
        """Return account and tag of every timer that is due, and forget it."""
        due = [key for key, at_ms in self._due_ms.items() if at_ms <= now_ms]
        for key in due:
            del self._due_ms[key]
        return due
