"""How many sockets of an account are subscribed to a channel?

Pure.

Source: OKX docs, 'Connection count limit': 30 per channel and sub-account; several arguments of
one channel on one socket count once, and the newest socket loses.
"""

CONNECTIONS_MAX = 30


class ConnectionCounts:
    """The sockets that take a place, per channel and account."""

    def __init__(self) -> None:
        self._taken: dict[tuple[str, str], set[str]] = {}

    def join(self, channel: str, uid: str, connection: str) -> int | None:
        """Take a place; how many sockets there are now, or None where there was no place left."""
        taken = self._taken.setdefault((channel, uid), set())
        if connection not in taken and len(taken) >= CONNECTIONS_MAX:
            return None
        taken.add(connection)
        return len(taken)

    def leave(self, channel: str, uid: str, connection: str) -> None:
        """Give a place back; nothing happens where there was none."""
        taken = self._taken.get((channel, uid), set())
        taken.discard(connection)
        if not taken:
            self._taken.pop((channel, uid), None)
