"""What do private channels push, and when?

Pure: told of events and of the time, it says which frames go to which subscription.

Source: OKX docs, 'Account channel', 'Positions channel', 'Balance and position channel',
'Order channel' and 'Algo orders channel'.
"""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import Any, Protocol, TypeAlias

from okx_simulator.event import (
    AccountUpdated,
    AlgoUpdated,
    BalanceAndPosition,
    Event,
    OrderUpdated,
    PositionUpdated,
)
from okx_simulator.websocket.session import Subscription

Row: TypeAlias = dict[str, Any]
Push: TypeAlias = tuple[Subscription, dict[str, Any]]

# Events of an account or a position within this time make one push.
MERGE_US = 50_000
REGULAR_US = 5_000_000
# What `updateInterval` of positions may say apart from 0, in milliseconds.
_INTERVALS_MS = ("2000", "3000", "4000")
_INTERVAL = re.compile(r'"updateInterval"\s*:\s*"?(\d+)')  # {"updateInterval": "0"}
_ADVANCED = frozenset({"move_order_stop", "iceberg", "twap", "chase"})


class AccountRows(Protocol):
    """Where the rows of private channels come from."""

    def balance(self, uid: str, currencies: Sequence[str]) -> Row:
        """Return the data of the account channel; without currencies, of all."""
        ...

    def positions(self, uid: str) -> Sequence[Row]:
        """Return every open position."""
        ...

    def balance_and_position(self, uid: str) -> Row:
        """Return the first data of the balance_and_position channel."""
        ...


class _Regular:
    """A subscription that is also pushed by the clock."""

    def __init__(self, subscription: Subscription, now_us: int) -> None:
        self.interval_us = interval_us(subscription)
        self.due_us = now_us + self.interval_us


class AccountFeed:
    """The private channels, of all sockets together."""

    def __init__(self, rows: AccountRows) -> None:
        self._rows = rows
        self._subscriptions: dict[tuple[str, str], dict[Subscription, _Regular]] = {}
        # What events have touched since the last push, by account, and since when.
        self._currencies: dict[str, dict[str, None]] = {}
        self._positions: dict[str, dict[str, Row]] = {}
        self._since_us: dict[str, int] = {}

    def begin(self, subscription: Subscription, now_us: int) -> list[dict[str, Any]]:
        """Return the first frames of a subscription, also for one that other sockets have."""
        key = (subscription.channel.name, subscription.uid)
        regular = _Regular(subscription, now_us)
        self._subscriptions.setdefault(key, {}).setdefault(subscription, regular)
        frame = self._snapshot(subscription)
        return [frame] if frame else []

    def end(self, subscription: Subscription) -> None:
        """Forget a subscription that no socket has any more."""
        key = (subscription.channel.name, subscription.uid)
        found = self._subscriptions.get(key, {})
        found.pop(subscription, None)
        if not found:
            self._subscriptions.pop(key, None)

    def note(self, event: Event, now_us: int) -> Iterator[Push]:
        """Yield what an event pushes at once; balances and positions wait to be merged."""
        match event:
            case OrderUpdated(uid, row):
                yield from self._narrowed("orders", uid, row)
            case AlgoUpdated(uid, row):
                name = "algo-advance" if row["ordType"] in _ADVANCED else "orders-algo"
                yield from self._narrowed(name, uid, row)
            case BalanceAndPosition(uid, row):
                for subscription in self._of("balance_and_position", uid):
                    yield subscription, {"arg": subscription.arg, "data": [row]}
            case AccountUpdated(uid, currencies):
                self._currencies.setdefault(uid, {}).update(dict.fromkeys(currencies))
                self._since_us.setdefault(uid, now_us)
            case PositionUpdated(uid, row):
                self._positions.setdefault(uid, {})[row["posId"]] = row
                self._since_us.setdefault(uid, now_us)

    def due(self, now_us: int) -> Iterator[Push]:
        """Yield merged events and what is pushed by the clock at `now_us`."""
        for uid, since_us in list(self._since_us.items()):
            if now_us - since_us >= MERGE_US:
                del self._since_us[uid]
                yield from self._changed_balances(uid, tuple(self._currencies.pop(uid, ())))
                yield from self._changed_positions(uid, self._positions.pop(uid, {}))
        for (name, _), subscriptions in list(self._subscriptions.items()):
            if name in ("account", "positions"):
                yield from self._regular(subscriptions, now_us)

    def _of(self, name: str, uid: str) -> tuple[Subscription, ...]:
        return tuple(self._subscriptions.get((name, uid), ()))

    def _narrowed(self, name: str, uid: str, row: Row) -> Iterator[Push]:
        for subscription in self._of(name, uid):
            if fits(subscription, row):
                yield subscription, {"arg": subscription.arg, "data": [row]}

    def _changed_balances(self, uid: str, currencies: tuple[str, ...]) -> Iterator[Push]:
        for subscription in self._of("account", uid) if currencies else ():
            only = subscription.word("ccy")
            wanted = tuple(c for c in currencies if only in ("", c))
            if wanted:
                row = self._rows.balance(uid, wanted)
                yield subscription, _event_update(subscription, [row])

    def _changed_positions(self, uid: str, rows: Mapping[str, Row]) -> Iterator[Push]:
        for subscription in self._of("positions", uid):
            wanted = [row for row in rows.values() if fits(subscription, row)]
            if wanted:
                yield subscription, _event_update(subscription, wanted)

    def _regular(
        self, subscriptions: Mapping[Subscription, _Regular], now_us: int
    ) -> Iterator[Push]:
        for subscription, regular in list(subscriptions.items()):
            if regular.interval_us and now_us >= regular.due_us:
                regular.due_us = now_us + regular.interval_us
                frame = self._snapshot(subscription)
                if frame:
                    yield subscription, frame

    def _snapshot(self, subscription: Subscription) -> dict[str, Any] | None:
        uid, only = subscription.uid, subscription.word("ccy")
        match subscription.channel.name:
            case "account":
                data = [self._rows.balance(uid, (only,) if only else ())]
            case "positions":
                data = [row for row in self._rows.positions(uid) if fits(subscription, row)]
            case "balance_and_position":
                row = self._rows.balance_and_position(uid)
                return {"arg": subscription.arg, "data": [row]}
            case _:
                return None
        pages = {"eventType": "snapshot", "curPage": 1, "lastPage": True}
        return {"arg": subscription.arg, **pages, "data": data}


def fits(subscription: Subscription, row: Mapping[str, Any]) -> bool:
    """Whether a row lies within the words of a subscription.

    Where instId and instFamily are both given, instId decides alone.
    """
    if subscription.word("instType") not in ("", "ANY", row["instType"]):
        return False
    inst_id = subscription.word("instId")
    if inst_id:
        return bool(row["instId"] == inst_id)
    family = subscription.word("instFamily")
    return not family or f"{row['instId']}-".startswith(f"{family}-")


def interval_us(subscription: Subscription) -> int:
    """Return how often a subscription is pushed by the clock, in microseconds; 0 for never."""
    found = _INTERVAL.search(subscription.word("extraParams"))
    written = found.group(1) if found else ""
    if written == "0":
        return 0
    if subscription.channel.name == "positions" and written in _INTERVALS_MS:
        return int(written) * 1_000
    return REGULAR_US


def _event_update(subscription: Subscription, data: Sequence[Row]) -> dict[str, Any]:
    return {"arg": subscription.arg, "eventType": "event_update", "data": data}
