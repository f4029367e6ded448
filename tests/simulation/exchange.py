"""What would OKX have done?  Its books are what every answer of the gateway is judged by.

Written from OKX's documentation, not from the gateway's code, and at its most awkward: an order id
is unique among pending orders alone; what has arrived takes its time to exist, and once it exists,
to show; an expiry is checked on arrival, or later, or twice; a cancelled order that never traded is
forgotten after two hours.
"""

import json
import random
from bisect import bisect_left, bisect_right
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from tests.simulation.virtual_loop import VirtualLoop

Answer = Callable[[int, dict[str, Any]], None]
Row = dict[str, Any]

_BASE_US = 1_700_000_000_000_000
_WINDOW_US = 2_000_000
_FORGOTTEN_US = 2 * 3_600_000_000
_TIMESTAMP_US = 30_000_000
_AMENDS_MAX = 3
_LIST_MAX = 100
_FINISHED = ("filled", "canceled")
_PLACE, _PLACE_BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"
_AMEND, _CANCEL = "/api/v5/trade/amend-order", "/api/v5/trade/cancel-order"


@dataclass(frozen=True)
class Habits:
    """How awkward it is in one schedule; times in microseconds, drawn evenly up to these."""

    checks_expiry_on_arrival: bool = True
    checks_expiry_in_engine: bool = False
    queue_us: int = 100_000
    shows_after_us: int = 100_000
    refuses: float = 0.0
    fills_resting: float = 0.3
    cancels_resting: float = 0.05
    clock_ahead_us: int = 0
    # For a while look-ups find nothing, in the schedule's time; the lists may find nothing at all.
    blind_from_us: int = 0
    blind_until_us: int = 0
    lists_are_blind: bool = False
    # Requests in two seconds, by path; `sub_account` for all instruments but SPOT together.
    limits: Mapping[str, int] = field(default_factory=dict)


@dataclass
class BookOrder:
    """An order that exists, or did. `versions` is how it shows: since when, and what."""

    order_id: str
    placed: Row
    made_us: int
    state: str
    filled: str
    changed_us: int
    cancelling: bool = False
    amends: int = 0
    amended_by_us: int = 0  # when the last amend that was taken takes effect
    versions: list[tuple[int, Row]] = field(default_factory=list)

    @property
    def client_id(self) -> str:
        found: str = self.placed["clOrdId"]
        return found

    def shown(self, now_us: int) -> Row | None:
        return next((row for since_us, row in reversed(self.versions) if since_us <= now_us), None)

    def is_forgotten(self, now_us: int) -> bool:
        return (
            self.state == "canceled"
            and self.filled == "0"
            and now_us >= self.changed_us + _FORGOTTEN_US
        )


@dataclass(frozen=True)
class Request:
    """A request as it arrives; `counted` is off for one that the network held up for too long.

    `misnamed` names the instrument by a number that OKX does not know.
    """

    method: str
    request_path: str
    body: bytes
    headers: Mapping[str, str]
    counted: bool = True
    misnamed: bool = False


class SlidingWindow:
    """Arrivals of two seconds, to the microsecond."""

    def __init__(self) -> None:
        self.arrivals: list[int] = []

    def take(self, now_us: int, cost: int, limit: int) -> bool:
        first = bisect_right(self.arrivals, now_us - _WINDOW_US)
        if len(self.arrivals) - first + cost > limit:
            return False
        self.arrivals += [now_us] * cost
        return True

    def most(self) -> int:
        """The most arrivals that any two seconds hold."""
        return max(
            (
                index + 1 - bisect_left(self.arrivals, at_us - _WINDOW_US + 1)
                for index, at_us in enumerate(self.arrivals)
            ),
            default=0,
        )


class Exchange:
    """One account's orders at OKX."""

    def __init__(self, loop: VirtualLoop, draw: random.Random, habits: Habits) -> None:
        self.orders: list[BookOrder] = []
        self.over_limit: list[str] = []
        # Amends by the id that their sender gave them, in the order in which they were taken, and
        # those that took effect.
        self.amends_taken: list[tuple[str, str]] = []
        self.amends_done: set[str] = set()
        self.windows: dict[str, SlidingWindow] = defaultdict(SlidingWindow)
        self.healed = False
        self._loop = loop
        self._draw = draw
        self._habits = habits
        self._next_id = 7_000
        self._routes: dict[tuple[str, str], Callable[[Request, int, Answer], None]] = {
            ("POST", _PLACE): self._place,
            ("POST", _PLACE_BATCH): self._place,
            ("POST", _AMEND): self._amend,
            ("POST", _CANCEL): self._cancel,
            ("GET", _PLACE): self._look_up,
            ("GET", "/api/v5/trade/orders-pending"): self._list_pending,
            ("GET", "/api/v5/trade/orders-history"): self._list_history,
            ("GET", "/api/v5/trade/fills"): self._list_fills,
            ("GET", "/api/v5/public/time"): self._time,
        }

    def clock_us(self) -> int:
        return _BASE_US + self._loop.now_us + self._habits.clock_ahead_us

    def named(self, client_id: str) -> list[BookOrder]:
        return [order for order in self.orders if order.client_id == client_id]

    def receive(self, request: Request, answer: Answer) -> None:
        """Deal with a request that has arrived; `answer` is called when the answer leaves."""
        path = request.request_path.partition("?")[0]
        route = self._routes.get((request.method, path))
        if route is None:
            raise NotImplementedError(f"{request.method} {path}")
        stamped = request.headers.get("OK-ACCESS-TIMESTAMP")
        if stamped is not None and self._is_stale(stamped):
            answer(401, {"code": "50102", "msg": "Timestamp request expired"})
            return
        throttled = self._throttled(request, path) if request.counted else ""
        if throttled:
            answer(429, {"code": throttled, "msg": "Too Many Requests", "data": []})
            return
        if request.misnamed:
            rows = _as_list(json.loads(request.body))
            unknown = [_refusal(row, "51001", "Instrument ID does not exist.") for row in rows]
            self._answer_rows(unknown, self.clock_us(), answer)
            return
        route(request, self.clock_us(), answer)

    def enter_foreign(self, row: Row) -> BookOrder:
        """An order that somebody placed by hand, past the gateway."""
        return self._enter(row)

    # Requests.

    def _place(self, request: Request, received_us: int, answer: Answer) -> None:
        rows = json.loads(request.body)
        expires_ms = int(request.headers["expTime"])
        if self._habits.checks_expiry_on_arrival and received_us // 1000 > expires_ms:
            refused = [
                _refusal(row, "50036", "expTime is earlier than the system time")
                for row in _as_list(rows)
            ]
            self._answer_rows(refused, received_us, answer)
            return

        def process() -> None:
            done = [self._process_place(row, expires_ms) for row in _as_list(rows)]
            self._answer_rows(done, received_us, answer)

        self._loop.in_us(self._queue_us(), process)

    def _process_place(self, row: Row, expires_ms: int) -> Row:
        now_us = self.clock_us()
        if self._habits.checks_expiry_in_engine and now_us // 1000 > expires_ms:
            return _refusal(row, "50037", "Order expired")
        if any(order.state not in _FINISHED for order in self.named(row["clOrdId"])):
            return _refusal(row, "51016", "Client order ID already exists")
        if not self.healed and self._draw.random() < self._habits.refuses:
            return _refusal(row, "51008", "Order failed. Insufficient balance")
        order = self._enter(row)
        return {
            "ordId": order.order_id,
            "clOrdId": order.client_id,
            "tag": "",
            "ts": str(order.made_us // 1000),
            "sCode": "0",
            "sMsg": "",
        }

    def _cancel(self, request: Request, received_us: int, answer: Answer) -> None:
        named = json.loads(request.body)

        def process() -> None:
            order = self._pending(named)
            row = {"ordId": named.get("ordId", ""), "clOrdId": named.get("clOrdId", "")}
            if order is None:
                row |= {"sCode": "51400", "sMsg": "Cancellation failed: filled, canceled or none"}
            elif order.cancelling:
                row |= {"sCode": "51410", "sMsg": "Cancellation failed: already cancelling"}
            else:
                order.cancelling = True
                self._loop.in_us(self._queue_us(), self._end_resting, order, "canceled")
                row |= {"ordId": order.order_id, "clOrdId": order.client_id}
                row |= {"ts": str(self.clock_us() // 1000), "sCode": "0", "sMsg": ""}
            self._answer_rows([row], received_us, answer)

        self._loop.in_us(self._queue_us(), process)

    def _amend(self, request: Request, received_us: int, answer: Answer) -> None:
        wanted = json.loads(request.body)
        expires_ms = int(request.headers["expTime"])
        named = {"ordId": wanted.get("ordId", ""), "clOrdId": wanted.get("clOrdId", "")}
        row = {**named, "reqId": wanted.get("reqId", "")}
        if self._habits.checks_expiry_on_arrival and received_us // 1000 > expires_ms:
            row |= {"sCode": "50036", "sMsg": "expTime is earlier than the system time"}
            self._answer_rows([row], received_us, answer)
            return

        def process() -> None:
            order = self._pending(wanted)
            if self._habits.checks_expiry_in_engine and self.clock_us() // 1000 > expires_ms:
                row.update(sCode="50037", sMsg="Order expired")
            elif order is None:
                row.update(sCode="51503", sMsg="Order modification failed: filled or canceled")
            elif order.amends >= _AMENDS_MAX:
                row.update(sCode="51513", sMsg="Number of modification requests exceeds 3")
            else:
                order.amends += 1
                self.amends_taken.append((order.order_id, wanted.get("reqId", "")))
                done_us = max(order.amended_by_us + 1, self._loop.now_us + self._queue_us() // 2)
                order.amended_by_us = done_us
                self._loop.at_us(done_us, self._apply_amend, order, wanted)
                row.update(ordId=order.order_id, clOrdId=order.client_id, sCode="0", sMsg="")
                row.update(ts=str(self.clock_us() // 1000))
            self._answer_rows([row], received_us, answer)

        # As long again as until it has taken effect: the two together are what a queue takes.
        self._loop.in_us(self._queue_us() // 2, process)

    def _look_up(self, request: Request, received_us: int, answer: Answer) -> None:
        named = _query(request)
        found = self._find(named)
        row = found.shown(self._loop.now_us) if found is not None else None
        blind = self._habits.blind_from_us <= self._loop.now_us < self._habits.blind_until_us
        if row is None or blind:
            answer(200, {"code": "51603", "msg": "Order does not exist", "data": []})
        else:
            answer(200, {"code": "0", "msg": "", "data": [row]})

    def _list_pending(self, request: Request, received_us: int, answer: Answer) -> None:
        self._answer_list(request, answer, pending=True)

    def _list_history(self, request: Request, received_us: int, answer: Answer) -> None:
        self._answer_list(request, answer, pending=False)

    def _answer_list(self, request: Request, answer: Answer, *, pending: bool) -> None:
        query = _query(request)
        rows = []
        for order in () if self._habits.lists_are_blind else self.orders:
            row = order.shown(self._loop.now_us)
            if row is None or order.is_forgotten(self._loop.now_us):
                continue
            if (row["state"] not in _FINISHED) is pending and _fits(query, row, row["cTime"]):
                rows.append(row)
        self._answer_page(query, rows, answer)

    def _list_fills(self, request: Request, received_us: int, answer: Answer) -> None:
        query = _query(request)
        rows = []
        for order in () if self._habits.lists_are_blind else self.orders:
            row = order.shown(self._loop.now_us)
            if row is not None and row["accFillSz"] != "0" and _fits(query, row, row["uTime"]):
                fill = {"tradeId": f"9{order.order_id}", "fillSz": row["accFillSz"], "fillPx": "1"}
                names = ("instType", "instId", "ordId", "clOrdId", "side", "posSide", "tag")
                rows.append(
                    {
                        **fill,
                        "ts": row["uTime"],
                        **{name: row[name] for name in names},
                        "billId": order.order_id,
                    }
                )
        self._answer_page(query, rows, answer)

    def _answer_page(self, query: Mapping[str, str], rows: list[Row], answer: Answer) -> None:
        rows = sorted(rows, key=lambda row: int(row["ordId"]), reverse=True)
        if "after" in query:
            rows = [row for row in rows if int(row["ordId"]) < int(query["after"])]
        page = rows[: min(_LIST_MAX, int(query.get("limit", _LIST_MAX)))]
        answer(200, {"code": "0", "msg": "", "data": page})

    def _time(self, request: Request, received_us: int, answer: Answer) -> None:
        answer(200, {"code": "0", "msg": "", "data": [{"ts": str(self.clock_us() // 1000)}]})

    # Books.

    def _enter(self, placed: Row) -> BookOrder:
        self._next_id += 1
        made_us = self.clock_us()
        kind = placed["ordType"]
        state, filled = "live", "0"
        if kind == "market" or (kind in ("ioc", "fok") and self._draw.random() < 0.6):
            state, filled = "filled", placed["sz"]
        elif kind in ("ioc", "fok") or (kind == "post_only" and self._draw.random() < 0.3):
            state = "canceled"
        order = BookOrder(str(self._next_id), placed, made_us, state, filled, self._loop.now_us)
        self.orders.append(order)
        self._show(order)
        if state == "live":
            chance = self._draw.random()
            later_us = int(self._draw.random() * 20_000_000)
            if chance < self._habits.fills_resting:
                self._loop.in_us(later_us, self._end_resting, order, "filled")
            elif chance < self._habits.fills_resting + self._habits.cancels_resting:
                self._loop.in_us(later_us, self._end_resting, order, "canceled")
        return order

    def _end_resting(self, order: BookOrder, state: str) -> None:
        if order.state in _FINISHED:
            return
        order.state, order.changed_us = state, self._loop.now_us
        if state == "filled":
            order.filled = order.placed["sz"]
        self._show(order)

    def _apply_amend(self, order: BookOrder, wanted: Row) -> None:
        order.amends -= 1
        if order.state in _FINISHED:
            return
        self.amends_done.add(wanted.get("reqId", ""))
        order.placed = {
            **order.placed,
            "sz": wanted.get("newSz") or order.placed["sz"],
            "px": wanted.get("newPx") or order.placed.get("px", ""),
        }
        self._show(order)

    def _show(self, order: BookOrder) -> None:
        placed = order.placed
        row = {
            "instType": "SWAP" if placed["instId"].endswith("-SWAP") else "SPOT",
            "instId": placed["instId"],
            "ordId": order.order_id,
            "clOrdId": order.client_id,
            "tag": placed.get("tag", ""),
            "px": placed.get("px", ""),
            "sz": placed["sz"],
            "ordType": placed["ordType"],
            "side": placed["side"],
            "posSide": "net",
            "tdMode": placed["tdMode"],
            "accFillSz": order.filled,
            "avgPx": "",
            "fee": "0",
            "feeCcy": "",
            "state": order.state,
            "cancelSource": "1" if order.state == "canceled" else "",
            "cTime": str(order.made_us // 1000),
            "uTime": str(self.clock_us() // 1000),
        }
        shows_us = self._loop.now_us + int(self._draw.random() * self._habits.shows_after_us)
        if order.versions:
            shows_us = max(shows_us, order.versions[-1][0])
        order.versions.append((shows_us, row))

    def _find(self, named: Mapping[str, Any]) -> BookOrder | None:
        """The order that is meant: OKX's id wins; of a caller's id the newest that shows."""
        now_us = self._loop.now_us
        for order in reversed(self.orders):
            if order.is_forgotten(now_us) or order.shown(now_us) is None:
                continue
            if named.get("ordId"):
                if order.order_id == named["ordId"]:
                    return order
            elif order.client_id == named["clOrdId"]:
                return order
        return None

    def _pending(self, named: Mapping[str, Any]) -> BookOrder | None:
        for order in self.orders:
            same = (
                order.order_id == named["ordId"]
                if named.get("ordId")
                else order.client_id == named["clOrdId"]
            )
            if same and order.state not in _FINISHED:
                return order
        return None

    # Answers and limits.

    def _answer_rows(self, rows: list[Row], received_us: int, answer: Answer) -> None:
        failed = sum(row["sCode"] != "0" for row in rows)
        code = "0" if not failed else "1" if failed == len(rows) else "2"
        envelope = {
            "code": code,
            "msg": "" if code == "0" else "Operation failed",
            "data": rows,
            "inTime": str(received_us),
            "outTime": str(self.clock_us()),
        }
        answer(200, envelope)

    def _queue_us(self) -> int:
        return int(self._draw.random() * self._habits.queue_us)

    def _is_stale(self, stamped: str) -> bool:
        stamp_us = datetime.fromisoformat(stamped).timestamp() * 1e6
        return abs(stamp_us - self.clock_us()) > _TIMESTAMP_US

    def _throttled(self, request: Request, path: str) -> str:
        """Count a request that has arrived; the code of its refusal, empty where there is room."""
        body = _as_list(json.loads(request.body)) if request.body else []
        cost = 1
        instrument = body[0]["instId"] if body else _query(request).get("instId", "")
        name = f"{request.method} {path}"
        if path == _PLACE_BATCH:
            cost = len(body)
            if cost == 1:
                name = f"POST {_PLACE}"
        windows = [(f"{name} {instrument}", self._habits.limits.get(name))]
        counts_in_all = request.method == "POST" and path in (_PLACE, _PLACE_BATCH, _AMEND)
        if counts_in_all and instrument.endswith("-SWAP"):
            windows.append(("sub_account", self._habits.limits.get("sub_account")))
        full = ""
        for window, limit in windows:
            if limit is not None and not self.windows[window].take(self._loop.now_us, cost, limit):
                self.over_limit.append(f"{window} at {self._loop.now_us} us")
                full = "50061" if window == "sub_account" else "50011"
        return full


def _as_list(body: Any) -> list[Row]:
    return body if isinstance(body, list) else [body]


def _query(request: Request) -> dict[str, str]:
    return dict(parse_qsl(request.request_path.partition("?")[2]))


def _refusal(row: Row, code: str, message: str) -> Row:
    named = {"ordId": "", "clOrdId": row.get("clOrdId", ""), "reqId": row.get("reqId", "")}
    return {**named, "tag": "", "sCode": code, "sMsg": message}


def _fits(query: Mapping[str, str], row: Row, at_ms: str) -> bool:
    return (
        query.get("instType", row["instType"]) == row["instType"]
        and query.get("instId", row["instId"]) == row["instId"]
        and query.get("ordId", row["ordId"]) == row["ordId"]
        and int(query.get("begin", 0)) <= int(at_ms) <= int(query.get("end", 1 << 60))
    )
