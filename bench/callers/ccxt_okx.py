"""How are orders placed with ccxt?  Touches the network through ccxt's asyncio client."""

from collections.abc import AsyncIterator
from contextlib import AsyncExitStack, asynccontextmanager
from typing import Any

import ccxt.async_support as ccxt

from bench.order_plan import Account, OrderPlan
from bench.pace import CallPace, Pace


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Connect one client per account to the exchange at `target`."""
    async with AsyncExitStack() as stack:
        clients = {
            account.name: await stack.enter_async_context(_client(account, target))
            for account in plan.accounts["ccxt"]
        }
        orders = plan.cycle("ccxt")

        async def call() -> None:
            account, order = next(orders)
            await clients[account.name].create_order(
                order.instrument.replace("-", "/"),
                "limit",
                "buy",
                float(order.quantity),
                float(order.price),
                {"timeInForce": "IOC", "tdMode": "cash"},
            )

        await call()
        yield CallPace(call), {}


@asynccontextmanager
async def _client(account: Account, target: str) -> AsyncIterator[Any]:
    # Its own rate limiter is off: nobody measures a wait.
    client = ccxt.okx(
        {
            "apiKey": account.key,
            "secret": account.secret,
            "password": account.passphrase,
            "enableRateLimit": False,
            "options": {"fetchMarkets": {"types": ["spot"]}},
        }
    )
    client.urls["api"] = {"rest": f"http://{target}"}
    try:
        await client.load_markets()
        yield client
    finally:
        await client.close()
