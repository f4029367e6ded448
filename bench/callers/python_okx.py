"""How are orders placed with python-okx?  Touches the network through its blocking client."""

import uuid
from collections.abc import AsyncIterator, Callable
from contextlib import ExitStack, asynccontextmanager
from typing import Any

from okx.Trade import TradeAPI

from bench.order_plan import OrderPlan
from bench.pace import Pace
from bench.thread_pace import ThreadPace

_THREADS = 4
_LIVE = "0"


class OrderRefusedError(Exception):
    """The exchange did not take the order."""


@asynccontextmanager
async def connected(plan: OrderPlan, target: str) -> AsyncIterator[tuple[Pace, dict[str, Any]]]:
    """Make one client per thread and account for the exchange at `target`."""
    with ExitStack() as stack:
        calls = [_caller(plan, target, stack) for _ in range(_THREADS)]
        for call in calls:
            call()
        yield ThreadPace(calls), {}


def _caller(plan: OrderPlan, target: str, stack: ExitStack) -> Callable[[], None]:
    clients = {
        account.name: stack.enter_context(
            TradeAPI(
                account.key,
                account.secret,
                account.passphrase,
                flag=_LIVE,
                domain=f"http://{target}",
            )
        )
        for account in plan.accounts["python_okx"]
    }
    orders = plan.cycle("python_okx")

    def call() -> None:
        account, order = next(orders)
        answer = clients[account.name].place_order(
            instId=order.instrument,
            tdMode="cash",
            side="buy",
            ordType="ioc",
            sz=order.quantity,
            px=order.price,
            clOrdId=uuid.uuid4().hex,
        )
        if answer["code"] != "0":
            raise OrderRefusedError(str(answer))

    return call
