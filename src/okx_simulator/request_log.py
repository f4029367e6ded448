"""Which requests reached the exchange, when, and what was answered?

Pure. Holds a bounded ring; keeps chosen words only, so that no secret, signature or passphrase
can get in.
"""

from collections import deque
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any, Literal, TypeAlias

# Some thirty megabytes at most.
ENTRIES_MAX = 100_000
PAGE_ENTRIES_MAX = 10_000
_WORD_LENGTH_MAX = 64
# A batch holds twenty orders; more than that is refused and need not be told apart.
_ORDERS_MAX = 20

Door: TypeAlias = Literal["rest", "ws"]


@dataclass(slots=True)
class LoggedOrder:
    """One order of a request, in OKX's words; `code` is empty until there is an answer."""

    inst_id: str
    cl_ord_id: str
    ord_id: str
    size: str
    code: str = ""


@dataclass(slots=True)
class LoggedRequest:
    """One request; `arrived_us` and `answered_us` are microseconds since the epoch, true clock.

    `answered_us` is 0 and `code` empty while nothing was answered; a request whose answer was
    lost on purpose keeps the code that was lost, and names the `fault`.
    """

    number: int
    arrived_us: int
    door: Door
    method: str
    target: str
    ip: str
    orders: list[LoggedOrder]
    uid: str = ""
    connection: str = ""
    answered_us: int = 0
    code: str = ""
    fault: str = ""

    def answer(self, code: str, answered_us: int, rows: Sequence[Any] = ()) -> None:
        """Note the answer: its top code and, where it has rows with an sCode, those too."""
        self.code = code
        self.answered_us = answered_us
        for order, row in zip(self.orders, rows, strict=False):
            if isinstance(row, Mapping) and "sCode" in row:
                order.code = str(row["sCode"])
                order.ord_id = order.ord_id or str(row.get("ordId", ""))

    def row(self) -> dict[str, Any]:
        """Return the entry as JSON."""
        return {
            "number": self.number,
            "arrived_us": self.arrived_us,
            "answered_us": self.answered_us,
            "door": self.door,
            "method": self.method,
            "target": self.target,
            "ip": self.ip,
            "uid": self.uid,
            "connection": self.connection,
            "code": self.code,
            "fault": self.fault,
            "orders": [
                {
                    "inst_id": order.inst_id,
                    "cl_ord_id": order.cl_ord_id,
                    "ord_id": order.ord_id,
                    "size": order.size,
                    "code": order.code,
                }
                for order in self.orders
            ],
        }


class RequestLog:
    """The last `capacity` requests; older ones fall out and are only counted."""

    def __init__(self, capacity: int = ENTRIES_MAX) -> None:
        self._entries: deque[LoggedRequest] = deque(maxlen=capacity)
        self._last = 0

    def arrive(
        self,
        *,
        arrived_us: int,
        door: Door,
        method: str,
        target: str,
        ip: str,
        params: object = None,
    ) -> LoggedRequest:
        """Note a request as it arrives; the caller notes who and the answer on what this returns.

        `params` is the parsed query, the body or the args: a mapping, or a list of mappings.
        """
        self._last += 1
        entry = LoggedRequest(
            number=self._last,
            arrived_us=arrived_us,
            door=door,
            method=method,
            target=target[:_WORD_LENGTH_MAX],
            ip=ip,
            orders=_orders(params),
        )
        self._entries.append(entry)
        return entry

    def page(self, since: int, entries_max: int) -> dict[str, Any]:
        """Return entries with a number above `since`, oldest first, at most `entries_max`.

        `next` is the `since` of the page after; `lost` says how many in between fell out.
        """
        first = self._entries[0].number if self._entries else self._last + 1
        skipped = max(0, since + 1 - first)
        until = skipped + min(entries_max, PAGE_ENTRIES_MAX)
        found = [entry.row() for entry in islice(self._entries, skipped, until)]
        return {
            "entries": found,
            "next": found[-1]["number"] if found else max(since, first - 1),
            "last": self._last,
            "lost": max(0, first - since - 1),
        }


def _orders(params: object) -> list[LoggedOrder]:
    elements = params if isinstance(params, Sequence) and not isinstance(params, str) else [params]
    return [_order(one) for one in elements[:_ORDERS_MAX] if isinstance(one, Mapping) and one]


def _order(element: Mapping[str, Any]) -> LoggedOrder:
    return LoggedOrder(
        inst_id=_word(element, "instId"),
        cl_ord_id=_word(element, "clOrdId") or _word(element, "algoClOrdId"),
        ord_id=_word(element, "ordId") or _word(element, "algoId"),
        size=_word(element, "sz") or _word(element, "newSz"),
    )


def _word(element: Mapping[str, Any], name: str) -> str:
    return str(element.get(name) or "")[:_WORD_LENGTH_MAX]
