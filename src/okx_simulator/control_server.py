"""How does a test reach behind the exchange? Serves JSON over HTTP, on a port of its own.

Whoever reaches that port owns the simulator: keep it away from the callers under test.

    GET    /healthz                  is it up? {"status": "ok"}
    GET    /faults                   the faults that are on, and how often each kind was hit
    PUT    /faults                   replace all: {"faults": [{"kind": "drop_after", "count": 1}]}
    PUT    /faults/lost              put one: {"kind": "late", "wait": {"fixed_ms": 500}}
    DELETE /faults, /faults/lost     remove all, or one
    GET    /log?since=0&limit=100    requests above a number: {"entries": [...], "next": 100, ...}
    GET    /limits                   every window: used now, worst moment, refused
    DELETE /limits                   empty every window
    GET    /orders?uid=1&after=0     all orders of an account with their fills, oldest first
    GET    /sockets                  the open WebSockets
    POST   /disconnect               {"uid": "1", "url": "private"}; with "code": 4007 it says why
    POST   /notice                   {"url": "public", "close_after_ms": 60000}
    GET    /clock                    {"offset_ms": 0}
    POST   /clock                    {"offset_ms": -40000} sets the exchange's clock back 40 s
    POST   /price                    {"inst_id": "BTC-USDT", "price": "60000"} crosses orders
    POST   /relist                   {"inst_id": "BTC-USDT"} gives it another instIdCode
    POST   /revoke                   {"key": "..."} deletes an API key
    PUT    /maintenance              {"rows": [{"state": "scheduled", ...}]}, rows of 'Status'

Words that are left out fit everything. `fault_rule` tells the words of a fault.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass
from decimal import Decimal, InvalidOperation
from typing import Any

import orjson
from aiohttp import web

from okx_simulator.account.account import Account
from okx_simulator.check import Keys
from okx_simulator.exchange import Exchange
from okx_simulator.fault.faults import Faults
from okx_simulator.fault.rule import FaultError, FaultRule, read_rule
from okx_simulator.limit.limits import Limits
from okx_simulator.order.row import fill_row, order_row
from okx_simulator.request_log import RequestLog
from okx_simulator.websocket.error import CloseCode
from okx_simulator.websocket.socket_registry import SocketRegistry

ORDERS_PAGE_MAX = 5_000
_ENTRIES_DEFAULT = 1_000
_CLOSE_WAIT_MS_MAX = 600_000
_MAINTENANCE_ROWS_MAX = 100

Body = Mapping[str, Any]


class ControlError(ValueError):
    """A request of the control API cannot be understood; nothing was changed."""


@dataclass(frozen=True, slots=True)
class ControlServer:
    """The control API over the parts it controls."""

    exchange: Exchange
    keys: Keys
    limits: Limits
    faults: Faults
    log: RequestLog
    sockets: SocketRegistry

    def application(self) -> web.Application:
        """Return the aiohttp application."""
        app = web.Application(middlewares=[_explained])
        app.add_routes(
            [
                web.get("/healthz", self._health),
                web.get("/faults", self._show_faults),
                web.put("/faults", self._replace_faults),
                web.put("/faults/{name}", self._put_fault),
                web.delete("/faults", self._clear_faults),
                web.delete("/faults/{name}", self._remove_fault),
                web.get("/log", self._show_log),
                web.get("/limits", self._show_limits),
                web.delete("/limits", self._empty_limits),
                web.get("/orders", self._show_orders),
                web.get("/sockets", self._show_sockets),
                web.post("/disconnect", self._disconnect),
                web.post("/notice", self._notice),
                web.get("/clock", self._show_clock),
                web.post("/clock", self._set_clock),
                web.post("/price", self._move_price),
                web.post("/relist", self._relist),
                web.post("/revoke", self._revoke),
                web.put("/maintenance", self._maintain),
            ]
        )
        return app

    async def _health(self, _request: web.Request) -> web.Response:
        return _json({"status": "ok"})

    async def _show_faults(self, _request: web.Request) -> web.Response:
        return _json(self.faults.rows())

    async def _replace_faults(self, request: web.Request) -> web.Response:
        written = (await _body(request)).get("faults")
        if not isinstance(written, list):
            raise ControlError("faults: a list is wanted")
        self.faults.replace(_read_rules(written))
        return _json(self.faults.rows())

    async def _put_fault(self, request: web.Request) -> web.Response:
        name = request.match_info["name"]
        self.faults.put(read_rule({**await _body(request), "name": name}, name))
        return _json(self.faults.rows())

    async def _clear_faults(self, _request: web.Request) -> web.Response:
        self.faults.replace([])
        return _json(self.faults.rows())

    async def _remove_fault(self, request: web.Request) -> web.Response:
        if not self.faults.remove(request.match_info["name"]):
            raise web.HTTPNotFound(text="no such fault")
        return _json(self.faults.rows())

    async def _show_log(self, request: web.Request) -> web.Response:
        since, limit = _number(request, "since", 0), _number(request, "limit", _ENTRIES_DEFAULT)
        return _json(self.log.page(since, limit))

    async def _show_limits(self, _request: web.Request) -> web.Response:
        now_us = self.exchange.clock.true_us()
        return _json({"limits": list(self.limits.rows(now_us))})

    async def _empty_limits(self, _request: web.Request) -> web.Response:
        self.limits.forget()
        return _json({"limits": []})

    async def _show_orders(self, request: web.Request) -> web.Response:
        uid = request.query.get("uid", "")
        if uid not in self.exchange.accounts:
            raise web.HTTPNotFound(text="no such account")
        after = _number(request, "after", 0)
        limit = min(_number(request, "limit", _ENTRIES_DEFAULT), ORDERS_PAGE_MAX)
        return _json({"orders": order_page(self.exchange.account(uid), after, limit)})

    async def _show_sockets(self, _request: web.Request) -> web.Response:
        return _json({"sockets": self.sockets.rows(), "accepted": self.sockets.accepted})

    async def _disconnect(self, request: web.Request) -> web.Response:
        body = await _body(request)
        code = CloseCode(body["code"]) if "code" in body else None
        count = self.sockets.disconnect(_word(body, "uid"), _word(body, "url"), code)
        return _json({"sockets": count})

    async def _notice(self, request: web.Request) -> web.Response:
        body = await _body(request)
        after_ms = body.get("close_after_ms")
        if after_ms is not None and not _is_wait(after_ms):
            raise ControlError(f"close_after_ms: 0 to {_CLOSE_WAIT_MS_MAX} is wanted")
        told = self.sockets.notify(_word(body, "uid"), _word(body, "url"))
        if after_ms is not None:
            loop = asyncio.get_running_loop()
            for socket in told:
                loop.call_later(after_ms / 1_000, socket.close, CloseCode.GOING_AWAY)
        return _json({"sockets": len(told)})

    async def _show_clock(self, _request: web.Request) -> web.Response:
        return _json({"offset_ms": self.exchange.clock.offset_us // 1_000})

    async def _set_clock(self, request: web.Request) -> web.Response:
        offset_ms = (await _body(request)).get("offset_ms")
        if not isinstance(offset_ms, int):
            raise ControlError("offset_ms: whole milliseconds are wanted")
        self.exchange.clock.offset_us = offset_ms * 1_000
        return _json({"offset_ms": offset_ms})

    async def _move_price(self, request: web.Request) -> web.Response:
        body = await _body(request)
        instrument = self.exchange.market.listing.find(_word(body, "inst_id"))
        if instrument is None:
            raise web.HTTPNotFound(text="no such instrument")
        try:
            price = Decimal(str(body.get("price")))
        except InvalidOperation:
            raise ControlError("price: a number is wanted") from None
        if not price.is_finite() or price <= 0:
            raise ControlError("price: a number above 0 is wanted")
        self.exchange.move_price(instrument, price)
        return _json({"inst_id": instrument.inst_id, "price": str(price)})

    async def _relist(self, request: web.Request) -> web.Response:
        inst_id = _word(await _body(request), "inst_id")
        code = self.exchange.market.listing.relist(inst_id)
        if code is None:
            raise web.HTTPNotFound(text="no such instrument")
        return _json({"inst_id": inst_id, "inst_id_code": code})

    async def _revoke(self, request: web.Request) -> web.Response:
        key = _word(await _body(request), "key")
        if not self.keys.revoke(key):
            raise web.HTTPNotFound(text="no such key")
        return _json({"sockets": self.sockets.revoke(key)})

    async def _maintain(self, request: web.Request) -> web.Response:
        rows = (await _body(request)).get("rows")
        if not isinstance(rows, list) or len(rows) > _MAINTENANCE_ROWS_MAX:
            raise ControlError(f"rows: a list of at most {_MAINTENANCE_ROWS_MAX} is wanted")
        if not all(isinstance(row, dict) and isinstance(row.get("state"), str) for row in rows):
            raise ControlError("rows: objects with a state are wanted")
        self.exchange.maintenance = rows
        return _json({"rows": rows})


def order_page(account: Account, after: int, limit: int) -> list[dict[str, Any]]:
    """Return up to `limit` orders with an id above `after`, oldest first, each with its fills."""
    chosen = [order for order in account.orders.every() if order.ord_id > after][:limit]
    fills: dict[int, list[Any]] = {order.ord_id: [] for order in chosen}
    for order, fill in account.fills:
        if order.ord_id in fills:
            fills[order.ord_id].append(fill_row(order, fill))
    return [{**order_row(order), "fills": fills[order.ord_id]} for order in chosen]


@web.middleware
async def _explained(
    request: web.Request, handler: Callable[[web.Request], Awaitable[web.StreamResponse]]
) -> web.StreamResponse:
    """Turn what is wrong with a request into an answer that says so."""
    try:
        return await handler(request)
    except ValueError as error:
        return _json({"error": str(error)}, status=400)
    except web.HTTPException as error:
        return _json({"error": error.text}, status=error.status)


async def _body(request: web.Request) -> Body:
    raw = await request.read()
    if not raw:
        return {}
    body = orjson.loads(raw)
    if not isinstance(body, dict):
        raise ControlError("a JSON object is wanted")
    return body


def _word(body: Body, name: str) -> str:
    word = body.get(name, "")
    if not isinstance(word, str):
        raise ControlError(f"{name}: a text is wanted")
    return word


def _is_wait(written: object) -> bool:
    return isinstance(written, int) and 0 <= written <= _CLOSE_WAIT_MS_MAX


def _number(request: web.Request, name: str, default: int) -> int:
    raw = request.query.get(name, "")
    if raw and not (raw.isascii() and raw.isdigit()):
        raise ControlError(f"{name}: a whole number is wanted")
    return int(raw) if raw else default


def _read_rules(written: list[Any]) -> list[FaultRule]:
    rules = [read_rule(one, f"fault-{number}") for number, one in enumerate(written, 1)]
    if len({rule.name for rule in rules}) < len(rules):
        raise FaultError("two faults have the same name")
    return rules


def _json(body: Any, status: int = 200) -> web.Response:
    return web.Response(status=status, body=orjson.dumps(body), content_type="application/json")
