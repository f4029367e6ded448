"""Runs the whole product as its user would: simulator and `okx-gateway serve` as processes."""

import asyncio
import json
import sys
from collections.abc import AsyncIterator, Mapping, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from decimal import Decimal
from http import HTTPStatus
from pathlib import Path
from typing import Any

import aiohttp
import yaml

from okx_gateway.cli.child_process import child_process
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key_file import create_vault_key
from okx_gateway.okx.order_sockets import RouteSetting

ACCOUNT = "main"
UID = "100000000000000001"
SECRETS = (
    "5a5a5a5a-1111-4222-8333-444444444444",
    "SCENARIOSECRETSCENARIOSECRET0001",
    "Scenario-Pass-1",
)
_START_WAIT_S = 30.0
_PAGES_MAX = 1_000


@dataclass(frozen=True)
class Exchange:
    """A simulator that runs; `control` is the address of its control API."""

    address: str
    control: str

    async def put_faults(self, *faults: Mapping[str, Any]) -> None:
        await self._control("PUT", "/faults", {"faults": list(faults)})

    async def fault_hits(self) -> dict[str, int]:
        hits: dict[str, int] = (await self._control("GET", "/faults"))["hits"]
        return hits

    async def orders(self, uid: str = UID, after: int = 0) -> list[dict[str, Any]]:
        """Everything in the books with an id above `after`, oldest first.

        The truth that tests judge by.
        """
        orders: list[dict[str, Any]] = []
        for _ in range(_PAGES_MAX):
            page = await self._control("GET", f"/orders?uid={uid}&after={after}")
            if not page["orders"]:
                return orders
            orders.extend(page["orders"])
            after = int(orders[-1]["ordId"])
        raise AssertionError("more orders than a test makes")

    async def requests(self, since: int = 0) -> list[dict[str, Any]]:
        """Every request that arrived after the one numbered `since`, oldest first."""
        entries: list[dict[str, Any]] = []
        for _ in range(_PAGES_MAX):
            page = await self._control("GET", f"/log?since={since}&limit=5000")
            assert not page["lost"], "the log did not hold them all"
            if not page["entries"]:
                return entries
            entries.extend(page["entries"])
            since = page["next"]
        raise AssertionError("more requests than a test makes")

    async def tradable(self) -> list[dict[str, str]]:
        """Some instruments of every type: a small quantity, prices around the market."""
        found: list[dict[str, str]] = []
        async with aiohttp.ClientSession(f"http://{self.address}") as session:
            for kind in ("SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"):
                family = "&instFamily=BTC-USD" if kind == "OPTION" else ""
                rows = await _rows(session, f"/api/v5/public/instruments?instType={kind}{family}")
                some = rows[len(rows) // 2 :][:2] if kind == "OPTION" else rows[:8]
                found += [await _priced(session, row) for row in some]
        return found

    async def limits(self) -> list[dict[str, Any]]:
        windows: list[dict[str, Any]] = (await self._control("GET", "/limits"))["limits"]
        return windows

    async def control_call(self, method: str, path: str, body: object = None) -> Any:
        return await self._control(method, path, body)

    async def _control(self, method: str, path: str, body: object = None) -> Any:
        async with (
            aiohttp.ClientSession(f"http://{self.control}") as session,
            session.request(method, path, json=body) as response,
        ):
            answer = await response.json()
            assert response.ok, answer
            return answer


async def _rows(session: aiohttp.ClientSession, path: str) -> list[dict[str, str]]:
    for _ in range(5):
        async with session.get(path) as response:
            if response.status == HTTPStatus.OK:
                rows: list[dict[str, str]] = (await response.json())["data"]
                return rows
        await asyncio.sleep(1)  # the limit by address, which the gateway uses too
    raise AssertionError(f"{path} is not answered")


async def _priced(session: aiohttp.ClientSession, row: dict[str, str]) -> dict[str, str]:
    name, tick = row["instId"], Decimal(row["tickSz"])
    [book] = await _rows(session, f"/api/v5/market/books?instId={name}&sz=1")
    bid, ask = Decimal(book["bids"][0][0]), Decimal(book["asks"][0][0])
    return {
        "instrument": name,
        "type": row["instType"],
        "quantity": row["minSz"],
        "below": f"{max(tick, bid * Decimal('0.995') // tick * tick):f}",
        "above": f"{ask * Decimal('1.005') // tick * tick + tick:f}",
    }


@asynccontextmanager
async def running_exchange(
    folder: Path, *, seed: int = 1, options: Sequence[str] = (), **account: Any
) -> AsyncIterator[Exchange]:
    """A simulator with one rich account; `account` overrides its settings."""
    accounts = folder / "accounts.yaml"
    key, secret, passphrase = SECRETS
    settings = {
        "uid": UID,
        "account_level": "2",
        "balances": {"USDT": "100000000", "BTC": "10000", "ETH": "10000", "SOL": "100000"},
        "keys": [{"key": key, "secret": secret, "passphrase": passphrase}],
        **account,
    }
    accounts.write_text(yaml.safe_dump({"accounts": [settings]}))
    command = [
        *(sys.executable, "-m", "okx_simulator", "--listen", "127.0.0.1:0"),
        *("--control", "127.0.0.1:0", "--accounts", str(accounts), "--seed", str(seed)),
        *options,
    ]
    async with child_process(
        command,
        is_ready=_Lines("http and ws on", "control on"),
        wait_s=_START_WAIT_S,
        name="the simulator",
    ) as lines:
        found = {
            name: line.rpartition(" ")[2]
            for line in lines
            for name in ("http and ws on", "control on")
            if name in line
        }
        yield Exchange(found["http and ws on"], found["control on"])


class _Lines:
    """Ready once every one of some lines was printed."""

    def __init__(self, *wanted: str) -> None:
        self._missing = set(wanted)

    def __call__(self, line: str) -> bool:
        self._missing -= {each for each in self._missing if each in line}
        return not self._missing


@dataclass(frozen=True)
class Gateway:
    """A gateway that runs: where it serves, and what it has printed until it was ready."""

    grpc: str
    rest: str
    log_lines: list[str]


def make_vault(folder: Path) -> dict[str, str]:
    """A vault with the account; the settings that open it."""
    key = create_vault_key(folder / "vault.key")
    vault = VaultFile(folder / "vault.json")
    vault.create()
    vault.add(ACCOUNT, Environment.LIVE, SECRETS, key)
    return {
        "OKX_GATEWAY_VAULT_PATH": str(folder / "vault.json"),
        "OKX_GATEWAY_VAULT_KEY_FILE": str(folder / "vault.key"),
    }


def settings_for(exchange: str, redis_url: str, *, route: RouteSetting = "rest") -> dict[str, str]:
    """Settings of a gateway on this machine that talks to this exchange.

    Orders go over REST unless another `route` is wanted: so faults can be put where they go.
    """
    return {
        "OKX_GATEWAY_ORDER_ROUTE": route,
        "OKX_GATEWAY_REDIS_URL": redis_url,
        "OKX_GATEWAY_REDIS_IS_NEW": "true",
        "OKX_GATEWAY_ENVIRONMENT": "live",
        "OKX_GATEWAY_OKX_REST_URL": f"http://{exchange}",
        "OKX_GATEWAY_OKX_WS_PUBLIC_URL": f"ws://{exchange}/ws/v5/public",
        "OKX_GATEWAY_OKX_WS_PRIVATE_URL": f"ws://{exchange}/ws/v5/private",
        "OKX_GATEWAY_OKX_WS_BUSINESS_URL": f"ws://{exchange}/ws/v5/business",
        "OKX_GATEWAY_GRPC_LISTEN": "127.0.0.1:0",
        "OKX_GATEWAY_REST_LISTEN": "127.0.0.1:0",
        "OKX_GATEWAY_ADMIN_LISTEN": "",
        "OKX_GATEWAY_METRICS_LISTEN": "",
    }


@asynccontextmanager
async def running_gateway(settings: Mapping[str, str]) -> AsyncIterator[Gateway]:
    """`okx-gateway serve` until the block ends, ready for calls."""
    async with child_process(
        [sys.executable, "-m", "okx_gateway", "serve"],
        is_ready=lambda line: _event(line).get("event") == "ready",
        wait_s=_START_WAIT_S,
        name="the gateway",
        environ=settings,
    ) as lines:
        serving = next(event for event in map(_event, lines) if event.get("event") == "serving")
        yield Gateway(serving["grpc"], serving["rest"], lines)


def _event(line: str) -> dict[str, Any]:
    try:
        event = json.loads(line)
    except ValueError:
        return {}
    return event if isinstance(event, dict) else {}
