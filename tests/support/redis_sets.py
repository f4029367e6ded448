"""Several servers of Valkey: one with replicas and Sentinels, and a cluster."""

import asyncio
import random
import signal
import socket
import subprocess
from collections.abc import AsyncIterator, Callable, Coroutine
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from redis.asyncio import Redis

from okx_gateway.cli.embedded_valkey import server_program

_HOST = "127.0.0.1"
_SERVICE = "ledger"
_WAIT_S = 20.0
_SLOTS = 16_384


@dataclass
class Server:
    """One process; `redis` speaks to it."""

    port: int
    folder: Path
    arguments: tuple[str, ...]
    process: "subprocess.Popen[bytes] | None" = None
    redis: Any = field(init=False)

    def __post_init__(self) -> None:
        self.redis = Redis(host=_HOST, port=self.port, decode_responses=True)

    def start(self) -> None:
        """Start it, empty unless its folder has a file to begin with."""
        self.folder.mkdir(parents=True, exist_ok=True)
        with (self.folder / "log.txt").open("ab") as log:
            self.process = subprocess.Popen(
                [
                    server_program(),
                    *self.arguments,
                    *("--port", str(self.port), "--bind", _HOST, "--dir", str(self.folder)),
                ],
                stdout=log,
                stderr=log,
            )

    def kill(self) -> None:
        """End it without a word."""
        if self.process is not None:
            self.process.kill()
            self.process.wait()
            self.process = None

    def hang(self) -> None:
        """Have it take connections and answer none, until it goes on."""
        if self.process is not None:
            self.process.send_signal(signal.SIGSTOP)

    def go_on(self) -> None:
        """Let it answer again."""
        if self.process is not None:
            self.process.send_signal(signal.SIGCONT)

    async def until_it_answers(self) -> None:
        """Wait for its first answer."""
        await _until(self._answers)

    async def _answers(self) -> bool:
        try:
            return bool(await self.redis.ping())
        except (OSError, Exception):  # noqa: BLE001  # whatever it is, it does not answer yet
            return False

    async def close(self) -> None:
        await self.redis.aclose()
        self.kill()


@dataclass
class SentinelSet:
    """One primary, replicas, and Sentinels that name the primary."""

    servers: list[Server]
    sentinels: list[Server]

    @property
    def url(self) -> str:
        """What a gateway is told."""
        hosts = ",".join(f"{_HOST}:{each.port}" for each in self.sentinels)
        return f"redis+sentinel://{hosts}/{_SERVICE}"

    async def primary(self) -> Server:
        """The one that the Sentinels name."""
        address: Any = await self.sentinels[0].redis.execute_command(
            "SENTINEL", "GET-MASTER-ADDR-BY-NAME", _SERVICE
        )
        return next(each for each in self.servers if each.port == int(address[1]))

    async def fail_over(
        self, *, losing: Callable[[], Coroutine[Any, Any, None]] | None = None
    ) -> None:
        """Kill the primary; what `losing` writes before is on no replica."""
        old = await self.primary()
        if losing is not None:
            for each in self.servers:
                if each is not old:
                    await each.redis.config_set("masterauth", "wrong")
            await old.redis.client_kill_filter(_type="replica")
            await losing()
        old.kill()
        for each in self.servers:
            if each is not old:
                await each.redis.config_set("masterauth", "")

        async def another() -> bool:
            return await self.primary() is not old

        await _until(another)
        old.arguments = _SERVER
        old.start()


_SERVER = (
    *("--save", "", "--appendonly", "no", "--protected-mode", "no"),
    *("--repl-diskless-sync-delay", "0"),
)


@asynccontextmanager
async def sentinel_set(folder: Path, *, replicas: int = 2) -> AsyncIterator[SentinelSet]:
    """A primary with replicas and three Sentinels that fail over within a second or two."""
    async with AsyncExitStack() as stack:
        servers = [
            await _running(stack, folder / f"server{n}", _SERVER) for n in range(1 + replicas)
        ]
        for each in servers[1:]:
            await each.redis.replicaof(_HOST, servers[0].port)
        sentinels = [
            await _running(stack, folder / f"sentinel{n}", _sentinel_file(folder / f"sentinel{n}"))
            for n in range(3)
        ]
        for each in sentinels:
            await each.redis.execute_command(
                "SENTINEL", "MONITOR", _SERVICE, _HOST, servers[0].port, 2
            )
            for name, value in (("down-after-milliseconds", 500), ("failover-timeout", 2_000)):
                await each.redis.execute_command("SENTINEL", "SET", _SERVICE, name, value)

        async def complete() -> bool:
            told: Any = await sentinels[0].redis.execute_command("SENTINEL", "MASTER", _SERVICE)
            facts = told if isinstance(told, dict) else _paired(told)
            online = await servers[0].redis.info("replication")
            return (
                int(facts["num-slaves"]) == replicas
                and int(facts["num-other-sentinels"]) == 2
                and sum("online" in str(each) for each in online.values()) == replicas
            )

        await _until(complete)
        yield SentinelSet(servers, sentinels)


@dataclass
class ClusterSet:
    """Primaries with a replica each; every slot is on one of the primaries."""

    servers: list[Server]

    @property
    def url(self) -> str:
        """What a gateway is told."""
        return "redis+cluster://" + ",".join(f"{_HOST}:{each.port}" for each in self.servers)

    async def holder(self, key: str) -> Server:
        """The primary that has the slot of a key."""
        slot: int = await self.servers[0].redis.execute_command("CLUSTER", "KEYSLOT", key)
        for each in self.servers:
            if each.process is None:
                continue
            for first, last, primary, *_ in await _slots(each):
                if first <= slot <= last:
                    return next(one for one in self.servers if one.port == int(primary[1]))
        raise AssertionError("no server has the slot")

    async def move(self, key: str) -> None:
        """Move the slot of a key, with all that is in it, to another primary."""
        source = await self.holder(key)
        primaries = {int(primary[1]) for _, _, primary, *_ in await _slots(source)}
        target = next(
            each for each in self.servers if each.port in primaries and each is not source
        )
        slot: int = await source.redis.execute_command("CLUSTER", "KEYSLOT", key)
        names = {
            each.port: await each.redis.execute_command("CLUSTER", "MYID")
            for each in (source, target)
        }
        await target.redis.execute_command(
            "CLUSTER", "SETSLOT", slot, "IMPORTING", names[source.port]
        )
        await source.redis.execute_command(
            "CLUSTER", "SETSLOT", slot, "MIGRATING", names[target.port]
        )
        while keys := await source.redis.execute_command("CLUSTER", "GETKEYSINSLOT", slot, 100):
            await source.redis.execute_command(
                "MIGRATE", _HOST, target.port, "", 0, 5_000, "REPLACE", "KEYS", *keys
            )
        for each in (target, source):
            await each.redis.execute_command("CLUSTER", "SETSLOT", slot, "NODE", names[target.port])


async def _cluster_info(server: Server) -> dict[str, str]:
    told: Any = await server.redis.execute_command("CLUSTER", "INFO")
    if isinstance(told, dict):
        return told
    return dict(line.split(":", 1) for line in told.split() if ":" in line)


def _paired(told: list[Any]) -> dict[str, Any]:
    return dict(zip(told[::2], told[1::2], strict=True))


async def _slots(server: Server) -> list[Any]:
    told: Any = await server.redis.execute_command("CLUSTER", "SLOTS")
    if isinstance(told, dict):  # as redis-py reads it
        return [[first, last, each["primary"]] for (first, last), each in told.items()]
    return list(told)


@asynccontextmanager
async def cluster_set(folder: Path, *, primaries: int = 3) -> AsyncIterator[ClusterSet]:
    """Primaries with one replica each, that fail over within a second or two."""
    arguments = (*_SERVER, "--cluster-enabled", "yes", "--cluster-node-timeout", "1000")
    async with AsyncExitStack() as stack:
        servers = [
            await _running(stack, folder / f"node{n}", arguments) for n in range(2 * primaries)
        ]
        share = _SLOTS // primaries
        for number, each in enumerate(servers[:primaries]):
            last = _SLOTS - 1 if number == primaries - 1 else (number + 1) * share - 1
            await each.redis.execute_command("CLUSTER", "ADDSLOTSRANGE", number * share, last)
        for each in servers[1:]:
            await each.redis.execute_command("CLUSTER", "MEET", _HOST, servers[0].port)

        async def met() -> bool:
            facts = [await _cluster_info(each) for each in servers]
            return all(each["cluster_known_nodes"] == str(len(servers)) for each in facts)

        await _until(met)
        for number, each in enumerate(servers[primaries:]):
            primary: str = await servers[number].redis.execute_command("CLUSTER", "MYID")
            await each.redis.execute_command("CLUSTER", "REPLICATE", primary)

        async def well() -> bool:
            facts = [await _cluster_info(each) for each in servers]
            roles = [await each.redis.role() for each in servers[primaries:]]
            return all(each["cluster_state"] == "ok" for each in facts) and all(
                role[0] in ("slave", "replica") and role[3] == "connected" for role in roles
            )

        await _until(well)
        yield ClusterSet(servers)


def _sentinel_file(folder: Path) -> tuple[str, ...]:
    folder.mkdir(parents=True, exist_ok=True)
    (folder / "sentinel.conf").write_text("")
    return (str(folder / "sentinel.conf"), "--sentinel", "--protected-mode", "no")


async def _running(stack: AsyncExitStack, folder: Path, arguments: tuple[str, ...]) -> Server:
    server = Server(free_port(), folder, arguments)
    server.start()
    stack.push_async_callback(server.close)
    await server.until_it_answers()
    return server


async def _until(true: Callable[[], Coroutine[Any, Any, bool]]) -> None:
    async with asyncio.timeout(_WAIT_S):
        while not await true():  # noqa: ASYNC110  # another process is waited for
            await asyncio.sleep(0.05)


def free_port() -> int:
    """A port that is free, and so is that of a cluster's own talk, 10,000 above it."""
    for port in random.sample(range(20_000, 30_000), 100):
        with socket.socket() as one, socket.socket() as other:
            try:
                one.bind((_HOST, port))
                other.bind((_HOST, port + 10_000))
            except OSError:
                continue
            return port
    raise AssertionError("no free port")
