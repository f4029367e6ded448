"""How is a replica of the gateway put together on a simulated world?

By the gateway's own composition root. Only what touches sockets and files, and the registers that
ask OKX once at the start, are stand-ins.
"""

import secrets
from collections.abc import Iterator, Sequence
from contextlib import AsyncExitStack, contextmanager
from dataclasses import dataclass, replace
from decimal import Decimal
from functools import cache
from importlib.resources import files
from typing import Any
from unittest.mock import patch

from okx_gateway import app, ledger_parts, market_parts, parts
from okx_gateway.custody.vault_key import VaultKey
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import TradeMode
from okx_gateway.edge.gateway_calls import UseCases
from okx_gateway.live_parts import make_private_sockets
from okx_gateway.market.clock_sync import keep_in_step
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.private_sockets import PrivateSockets
from okx_gateway.settings import Settings
from tests.simulation.plan import Plan
from tests.simulation.redis_server import SimulatedRedis
from tests.simulation.socket_wire import NUMBERS
from tests.simulation.virtual_loop import Process
from tests.simulation.wire import Network, SimulatedRestClient
from tests.simulation.world import World

ACCOUNT, OWNER = "main", "demo:1"
# As long to get a connection as to be answered.
REDIS_TIMEOUT_S = 1.0
_KEY = VaultKey(b"an example key for the simulator")
_INSTRUMENTS = {
    name: Instrument(
        name=name,
        type=kind,
        family="",
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        minimum=Decimal("0.01"),
        maximum_limit=Decimal(1_000),
        maximum_market=Decimal(1_000),
        tradable=True,
        socket_code=NUMBERS[name],
    )
    for name, kind in (("BTC-USDT", InstrumentType.SPOT), ("BTC-USDT-SWAP", InstrumentType.SWAP))
}


@cache
def _source(name: str, preludes: tuple[str, ...]) -> str:
    folder = files("okx_gateway.ledger")
    return "\n".join((folder / f"{part}.lua").read_text() for part in (*preludes, name))


class SimulatedScripts:
    """Stands where `RedisScripts` stands."""

    def __init__(self, redis: SimulatedRedis, process: Process) -> None:
        self._redis = redis
        self._process = process
        self._sources: dict[str, str] = {}

    def load(self, name: str, preludes: Sequence[str] = ()) -> None:
        self._sources[name] = _source(name, tuple(preludes))

    async def call(
        self,
        name: str,
        keys: Sequence[str],
        arguments: Sequence[str | int],
        *,
        durable: bool = False,
        nonce: str | None = None,
    ) -> list[Any]:
        return await self._redis.call(
            self._process,
            name,
            self._sources[name],
            keys,
            arguments,
            nonce=nonce if nonce is not None else secrets.token_hex(8),
            durable=durable,
            timeout_s=REDIS_TIMEOUT_S,
        )

    async def close(self) -> None:
        """Nothing is held."""


class _Accounts:
    """One account, verified."""

    def __init__(self, plan: Plan) -> None:
        self._account = Account(
            ACCOUNT,
            OWNER,
            long_short=False,
            portfolio_margin=plan.portfolio_margin,
            orders_per_2_s=plan.orders_per_2_s,
        )

    async def find(self, name: str, deadline: Deadline) -> Account:
        return self._account

    def verified(self) -> tuple[Account, ...]:
        return (self._account,)


class _Instruments:
    """The instruments that are traded here."""

    def find_any(self, name: str) -> Instrument | None:
        return _INSTRUMENTS.get(name)

    def doubt(self) -> None:
        """They are read once."""

    def find_for(self, name: str, trade_mode: TradeMode) -> Instrument | None:
        return _INSTRUMENTS.get(name)


class _Signer:
    """Signs nothing: whether a signature is right is tested elsewhere."""

    def sign(
        self, account: str, endpoint: Endpoint, *, timestamp: str, request_path: str, body: bytes
    ) -> dict[str, str]:
        return {"OK-ACCESS-TIMESTAMP": timestamp}

    def sign_login(self, account: str, *, timestamp_s: int) -> dict[str, str]:
        return {}


class _Idle:
    """Stands where there is nothing to do."""

    wake = None

    async def aclose(self) -> None:
        """Nothing is held."""

    def close(self) -> None:
        """Nothing is held."""


@dataclass(frozen=True)
class Replica:
    """A replica that runs."""

    process: Process
    use_cases: UseCases


def settings_of(plan: Plan) -> Settings:
    return Settings(
        order_validity_ms=plan.validity_ms,
        absence_margin_ms=plan.margin_ms,
        budget_jitter_ms=plan.jitter_ms,
        caller_shares=plan.caller_shares,
        order_route=plan.sockets.route,
        redis_is_new=plan.ledger == "new",
        redis_replicas_min=int(plan.durable),
        replicas_max=plan.replicas_max,
    )


@contextmanager
def scaled_limits(scale: int) -> Iterator[dict[str, int]]:
    """Make OKX's limits so small that a few orders fill them; what they are, by method and path.

    Looking is scaled less than placing, and the lists even less: doubt has to end in time.
    """
    kept = [(endpoint, endpoint.limit) for endpoint in Endpoint if endpoint.private]
    limits = {}
    for endpoint, limit in kept:
        fact = endpoint.value
        by = scale
        if fact.method == "GET":
            by = min(scale, 10 if endpoint is Endpoint.GET_ORDER else 2)
        count = max(1, limit.count // by)
        limits[f"{fact.method} {fact.path}"] = count
        object.__setattr__(fact, "limit", replace(limit, count=count))
    try:
        yield limits
    finally:
        for endpoint, limit in kept:
            object.__setattr__(endpoint.value, "limit", limit)


def start_replica(
    world: World,
    settings: Settings,
    redis: SimulatedRedis,
    network: Network,
    process: Process,
) -> Replica:
    """Make a replica and start what runs in its background."""
    sockets: list[PrivateSockets] = []

    def private_sockets(*given: Any, **named: Any) -> PrivateSockets:
        sockets.append(make_private_sockets(*given, **named))
        return sockets[0]

    stand_ins: dict[str, Any] = {
        "make_private_sockets": private_sockets,
        "RestClient": lambda *_, **__: SimulatedRestClient(network, process),
        "AccountRegister": lambda *_, **__: _Accounts(world.plan),
        "_vault_key": lambda *_: _KEY,
        "_signer": lambda *_: _Signer(),
    }
    on_redis: dict[str, Any] = {
        "RedisScripts": lambda *_, **__: SimulatedScripts(redis, process),
        "open_servers": lambda *_, **__: _Idle(),
    }
    instruments = patch.object(market_parts, "InstrumentCatalog", lambda *_, **__: _Instruments())
    with (
        patch.multiple(parts, **stand_ins),
        patch.multiple(ledger_parts, **on_redis),
        instruments,
    ):
        made = _at_once(parts.make_parts(settings, AsyncExitStack()))
    for work in (
        keep_in_step(made.clock, made.public.time),
        made.timing.run(),
        made.ledger.slot.run(),
        made.orders.reconcile.run(),
    ):
        world.loop.spawn(process, work)
    if settings.order_route != "rest":
        # Otherwise the first order would make it, and go over REST.
        world.loop.spawn(process, _connected(sockets[0]))
    return Replica(process, app._make_use_cases(made))


async def _connected(sockets: PrivateSockets) -> None:
    sockets.of(ACCOUNT)


def _at_once(work: Any) -> Any:
    """What a coroutine returns that waits for nothing."""
    try:
        work.send(None)
    except StopIteration as ended:
        return ended.value
    raise AssertionError("the composition waits for something")
