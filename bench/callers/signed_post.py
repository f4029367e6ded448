"""What does the barest direct order cost?  Touches the network through aiohttp.

A signed request and nothing else: no check, no memory, no budget. It is the least that anything
which places an order over REST has to pay. Source: OKX docs, 'REST Authentication'.
"""

import base64
import hashlib
import hmac
import uuid
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from datetime import UTC, datetime
from typing import Any

import aiohttp
import orjson

from bench.order_plan import Account, OrderPlan, PlannedOrder
from bench.pace import CallPace, Pace

_PATH = "/api/v5/trade/order"


class OrderRefusedError(Exception):
    """The exchange did not take the order."""


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect to the exchange at `target`."""
    orders = plan.cycle("signed")
    async with aiohttp.ClientSession(f"http://{target}") as session:

        async def call() -> None:
            account, order = next(orders)
            body = _body(order)
            async with session.post(_PATH, data=body, headers=_signed(account, body)) as response:
                answer = orjson.loads(await response.read())
            if answer["code"] != "0":
                raise OrderRefusedError(str(answer))

        await call()
        yield CallPace(call), {}


def _body(order: PlannedOrder) -> bytes:
    return orjson.dumps(
        {
            "instId": order.instrument,
            "tdMode": "cash",
            "side": "buy",
            "ordType": "ioc",
            "sz": order.quantity,
            "px": order.price,
            "clOrdId": uuid.uuid4().hex,
        }
    )


def _signed(account: Account, body: bytes) -> dict[str, str]:
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    signed = f"{now}POST{_PATH}".encode() + body
    signature = hmac.digest(account.secret.encode(), signed, hashlib.sha256)
    return {
        "Content-Type": "application/json",
        "OK-ACCESS-KEY": account.key,
        "OK-ACCESS-PASSPHRASE": account.passphrase,
        "OK-ACCESS-SIGN": base64.b64encode(signature).decode(),
        "OK-ACCESS-TIMESTAMP": now,
    }
