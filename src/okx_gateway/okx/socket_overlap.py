"""While two connections carry the same channels, what has been told and what has not?  Pure.

A connection that has to go is replaced by one that is subscribed first. Until both are known to
have brought the same, the old one is told and the new one held back. Rows are the same where OKX
wrote them alike; each is told once, whichever connection brought it.
"""

from collections.abc import Iterator, Mapping

import orjson

from okx_gateway.okx.channel import Channel, Push
from okx_gateway.okx.reply import Row

_SNAPSHOT = "snapshot"
_HELD_MAX = 20_000
_TOLD_MAX = 200_000

Held = tuple[Channel, list[Row], Push]


class Overlap:
    """One replacement of a connection by another.

    `channels` are those that both carry, with the last rows that the old one brought: the first
    push of a subscription may repeat them.
    """

    def __init__(self, channels: Mapping[Channel, list[Row]]) -> None:
        self.channels = set(channels)
        self._told: dict[Channel, set[int]] = {
            channel: set(_fingerprints(rows)) for channel, rows in channels.items()
        }
        self._told_count = 0
        self._held: list[Held] = []
        self._standing: set[Channel] = set()
        self._refused: dict[Channel, str] = {}

    @property
    def is_full(self) -> bool:
        """Whether more came meanwhile than is kept: the replacement has failed."""
        return len(self._held) > _HELD_MAX or self._told_count > _TOLD_MAX

    @property
    def standing(self) -> frozenset[Channel]:
        """Those that the new connection has subscribed."""
        return frozenset(self._standing)

    def subscribed(self, channel: Channel) -> None:
        """Learn that the new connection has subscribed `channel`."""
        self._standing.add(channel)

    def refused(self, channel: Channel, code: str) -> None:
        """Learn that OKX refuses it to the new connection."""
        self._refused[channel] = code

    @property
    def refusals(self) -> Mapping[Channel, str]:
        """What the new connection was refused, with OKX's codes."""
        return self._refused

    def told(self, channel: Channel, rows: list[Row]) -> None:
        """Learn what the old connection brought, and listeners were told."""
        told = self._told.get(channel)
        if told is not None:
            told.update(_fingerprints(rows))
            self._told_count += len(rows)

    def hold(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Keep what the new connection brought."""
        self._held.append((channel, rows, push))

    def forget(self, channel: Channel) -> None:
        """Let `channel` be the new connection's alone, and what it brought be told as it came."""
        self.channels.discard(channel)
        self._told.pop(channel, None)

    def drop(self, channel: Channel) -> None:
        """Forget `channel` and all that came of it."""
        self.forget(channel)
        self._held = [each for each in self._held if each[0] != channel]

    def release(self) -> Iterator[Held]:
        """What only the new connection brought, in its order.

        Its snapshots are older than what the old connection told, which was complete until now;
        but not of a channel that was forgotten.
        """
        held, self._held = self._held, []
        for channel, rows, push in held:
            if channel not in self._told:
                yield channel, rows, push
            elif _SNAPSHOT not in (push.action, push.event_type):
                new = self.untold(channel, rows)
                if new:
                    yield channel, new, push

    def untold(self, channel: Channel, rows: list[Row]) -> list[Row]:
        """Those of `rows`, from the new connection, that the old one has not brought."""
        told = self._told.get(channel)
        if not told:
            return rows
        return [
            row
            for row, fingerprint in zip(rows, _fingerprints(rows), strict=True)
            if fingerprint not in told
        ]


def _fingerprints(rows: list[Row]) -> Iterator[int]:
    return (hash(orjson.dumps(row)) for row in rows)
