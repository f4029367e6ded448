"""Which orders are placed, and on which accounts?  Pure, apart from the file it is kept in.

OKX takes 60 orders in 2 s per account and instrument. Orders go round over so many accounts and
instruments that no window ever fills, so that nobody measures a wait. Each is an
immediate-or-cancel order far below the market: OKX takes it, nothing rests, nothing fills.
"""

import itertools
import secrets
import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Any

from pydantic import TypeAdapter

# Each owner of orders has accounts of its own: the gateway does not know what others spend.
_ACCOUNTS = {"gateway": 32, "signed": 8, "ccxt": 8, "python_okx": 8}
_BALANCES = {"USDT": "1000000", "USDC": "1000000", "BTC": "10"}
_PRICE_SHARE = Decimal("0.5")


@dataclass(frozen=True, slots=True)
class Account:
    """An account of the simulated exchange and its key."""

    name: str
    uid: str
    key: str
    secret: str
    passphrase: str


@dataclass(frozen=True, slots=True)
class PlannedOrder:
    """What is bought: instrument, price and quantity as plain decimals."""

    instrument: str
    price: str
    quantity: str


@dataclass(frozen=True, slots=True)
class OrderPlan:
    """Everybody's accounts by owner, the orders that all place, the instruments of streams."""

    accounts: dict[str, tuple[Account, ...]]
    orders: tuple[PlannedOrder, ...]
    streamed: tuple[str, ...]

    def cycle(self, owner: str) -> Iterator[tuple[Account, PlannedOrder]]:
        """Go round for ever, so that each account and instrument comes as rarely as it can."""
        pairs = itertools.product(self.orders, self.accounts[owner])
        return ((account, order) for order, account in itertools.cycle(pairs))


_FILE: TypeAdapter[OrderPlan] = TypeAdapter(OrderPlan)


def write_plan(path: Path, plan: OrderPlan) -> None:
    """Keep a plan in a file."""
    path.write_bytes(_FILE.dump_json(plan))


def read_plan(path: Path) -> OrderPlan:
    """Read a plan from its file."""
    return _FILE.validate_json(path.read_bytes())


def new_accounts() -> dict[str, tuple[Account, ...]]:
    """Make up accounts with keys that nobody else has, by owner."""
    numbers = itertools.count(1)
    return {
        owner: tuple(
            _new_account(f"{owner.replace('_', '-')}-{next(numbers)}") for _ in range(count)
        )
        for owner, count in _ACCOUNTS.items()
    }


def accounts_file(accounts: Mapping[str, tuple[Account, ...]]) -> dict[str, Any]:
    """Return what the simulator's --accounts wants."""
    return {
        "accounts": [
            {
                "uid": each.uid,
                "balances": _BALANCES,
                "keys": [
                    {"key": each.key, "secret": each.secret, "passphrase": each.passphrase},
                ],
            }
            for owned in accounts.values()
            for each in owned
        ]
    }


def plan_orders(
    instruments: list[dict[str, str]], tickers: list[dict[str, str]]
) -> tuple[PlannedOrder, ...]:
    """Plan the smallest order on each instrument, at half of its last price.

    Takes the rows of OKX docs, 'Get instruments' and 'Get tickers'.
    """
    last = {row["instId"]: Decimal(row["last"]) for row in tickers}
    return tuple(
        PlannedOrder(row["instId"], _on_grid(last[row["instId"]], row["tickSz"]), row["minSz"])
        for row in instruments
        if row["instId"] in last
    )


def _on_grid(last: Decimal, tick: str) -> str:
    ticks = (last * _PRICE_SHARE / Decimal(tick)).to_integral_value()
    return format(ticks * Decimal(tick), "f")


def _new_account(name: str) -> Account:
    return Account(
        name=name,
        uid=str(10**17 + secrets.randbelow(10**17)),
        key=str(uuid.uuid4()),
        secret=secrets.token_hex(16).upper(),
        passphrase=secrets.token_urlsafe(12),
    )
