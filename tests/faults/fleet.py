"""What is there to harm?  A simulator, a Valkey, and gateways whose every connection is a wire.

Touches processes, files in a temporary folder, and the network.
"""

import asyncio
import hashlib
import signal
import tempfile
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Mapping, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from importlib.resources import files
from pathlib import Path

import aiohttp
from redis.asyncio import Redis

from okx_gateway.okx.order_sockets import RouteSetting
from tests.faults.points import POINTS
from tests.faults.tally import Tally
from tests.faults.valkey_server import ValkeyServer
from tests.faults.wire import (
    HttpSplitter,
    Passage,
    RespSplitter,
    SocketSplitter,
    Wire,
    resp_words,
)
from tests.support.doors import Door, RestDoor
from tests.support.gateway_process import GatewayProcess, gateway_process
from tests.support.running import Exchange, make_vault, running_exchange, settings_for

# The least there may be, so that doubt ends while a test waits.
MARGIN_MS = 1_000
_PLACING = tuple(words for way in POINTS for words in (way.order, way.batch))


class ScriptNames:
    """Which of the ledger's scripts is a command?  Learnt from how gateways load them."""

    def __init__(self) -> None:
        folder = files("okx_gateway.ledger")
        self._texts = {
            path.name.removesuffix(".lua"): path.read_bytes()
            for path in folder.iterdir()
            if path.name.endswith(".lua")
        }
        self._names: dict[bytes, str] = {}

    def learn(self, passage: Passage) -> None:
        """Look at what passes for scripts that are loaded."""
        if passage.reply is None and b"SCRIPT" in passage.request[:40].upper():
            words = resp_words(passage.request)
            if words[1].upper() == b"LOAD":
                sha = hashlib.sha1(words[2], usedforsecurity=False).hexdigest().encode()
                self._names[sha] = next(
                    name for name, text in self._texts.items() if words[2].endswith(text)
                )

    def of(self, request: bytes) -> str:
        """The name of the script that a request runs; empty where it is something else."""
        if b"EVALSHA" not in request[:20]:
            return ""
        return self._names.get(resp_words(request)[1], "")


class Replica:
    """One gateway that may die and come back, on the same wires each time."""

    def __init__(self, name: str, folder: Path, fleet: "Fleet") -> None:
        self.name = name
        self.output = folder / f"{name}.txt"
        self.redis = Wire(fleet.valkey.connect, RespSplitter)
        self.okx = Wire(fleet.connect_exchange, HttpSplitter)
        self.socket = Wire(fleet.connect_exchange, SocketSplitter)
        self.calls = Wire(self._connect, HttpSplitter)
        self.redis.seen = self._note
        self.okx.seen = self.socket.seen = fleet.note
        self.settings: dict[str, str] = {}
        self.door: Door
        self.up = asyncio.Event()
        self.lives = 0
        self._process: GatewayProcess | None = None
        self._life: AsyncExitStack | None = None
        self._fleet = fleet

    async def start(self) -> None:
        """Start it, and wait until it is ready."""
        self.lives += 1
        life = AsyncExitStack()
        written = self.output.with_name(f"{self.name}-{self.lives}.txt")
        self._process = await life.enter_async_context(gateway_process(self.settings, written))
        self._life = life
        self.up.set()

    def kill(self) -> None:
        """End it without a word."""
        self._fleet.harmed(self)
        self.up.clear()
        self._signal(signal.SIGKILL)

    def pause(self) -> None:
        """Let it stand still, as a machine that is starved or a long collection of garbage."""
        self._fleet.harmed(self)
        self.up.clear()
        self._signal(signal.SIGSTOP)

    def resume(self) -> None:
        """Let it go on."""
        self._signal(signal.SIGCONT)
        self.up.set()

    def ask_to_stop(self) -> None:
        """Tell it to finish what it has begun and end."""
        self.up.clear()
        self._signal(signal.SIGTERM)

    async def ended(self) -> int:
        """Wait for its end; its exit code."""
        assert self._process is not None
        return await self._process.process.wait()

    async def start_again(self) -> None:
        """Start it, once it has ended."""
        await self.bury()
        await self.start()

    async def bury(self) -> None:
        """End it if need be, and let go of what it held."""
        self.up.clear()
        if self._life is not None:
            await self._life.aclose()
            self._life = None

    def complaints(self) -> list[str]:
        """What it printed that is no log, and errors that no fault explains: defects."""
        return [
            line[:2_000]
            for path in self.output.parent.glob(f"{self.name}-*.txt")
            for line in path.read_text().splitlines()
            if not line.startswith("{") or '"exception"' in line
        ]

    def _note(self, passage: Passage) -> None:
        self._fleet.scripts.learn(passage)
        if passage.reply and self._fleet.scripts.of(passage.request) == "take_open":
            self._fleet.claimed(self, passage.reply)

    def _signal(self, number: int) -> None:
        assert self._process is not None
        if self._process.process.returncode is None:
            self._process.process.send_signal(number)

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        if self._process is None:
            raise ConnectionRefusedError
        host, _, port = self._process.rest.rpartition(":")
        return await asyncio.open_connection(host, int(port))


class Fleet:
    """Everything that runs. `written` is how often each order left a gateway, by the wires.

    `journal` finds the server that has the rows of orders now. `claimed` hears of the rows that a
    gateway takes over, and `harmed` of one that is killed or paused.
    """

    def __init__(
        self, exchange: Exchange, valkey: ValkeyServer, journal: Callable[[], Awaitable["Redis"]]
    ) -> None:
        self.exchange = exchange
        self.journal = journal
        self.valkey = valkey
        self.scripts = ScriptNames()
        self.replicas: list[Replica] = []
        self.written: Counter[str] = Counter()
        self.claimed: Callable[[Replica, bytes], None] = lambda *_: None
        self.harmed: Callable[[Replica], None] = lambda _: None

    async def connect_exchange(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        """Open a connection to the exchange."""
        host, _, port = self.exchange.address.rpartition(":")
        return await asyncio.open_connection(host, int(port))

    def note(self, passage: Passage) -> None:
        """Count the orders that are written."""
        if passage.reply is None and any(words in passage.request for words in _PLACING):
            told = passage.request.decode(errors="replace")
            self.written.update(part.partition('"')[0] for part in told.split('"clOrdId":"')[1:])

    def living(self) -> list[Replica]:
        """Replicas that are neither dead nor paused."""
        return [replica for replica in self.replicas if replica.up.is_set()]

    async def judge(self, tally: Tally) -> None:
        """Tell what all the time held for the whole: windows, and that nothing broke unforeseen."""
        for each in await self.exchange.limits():
            tally.see(f"{each['limit']} {each['key']}", each["worst"], each["amount"])
        for replica in self.replicas:
            tally.blame(f"{replica.name}: {line}" for line in replica.complaints())


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """A ledger that gateways reach without a wire: its URL, and who has its rows now."""

    url: str
    journal: Callable[[], Awaitable["Redis"]]


@asynccontextmanager
async def fleet(
    replicas: int,
    *,
    seed: int,
    route: RouteSetting = "rest",
    settings: Mapping[str, str] | None = None,
    valkey: Sequence[str] = (),
    ledger: Elsewhere | None = None,
) -> AsyncIterator[Fleet]:
    """Run `replicas` gateways for the block, and Valkey with the options `valkey`.

    Their orders take `route`.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okx-gateway-fleet-")))
        server = await stack.enter_async_context(ValkeyServer(folder, options=valkey).run())
        exchange = await stack.enter_async_context(running_exchange(folder, seed=seed))
        vault = make_vault(folder)
        made = Fleet(exchange, server, server.journal if ledger is None else ledger.journal)
        for number in range(replicas):
            replica = Replica(f"replica-{number}", folder, made)
            made.replicas.append(replica)
            redis, okx, socket, calls = [
                await stack.enter_async_context(wire.listen())
                for wire in (replica.redis, replica.okx, replica.socket, replica.calls)
            ]
            redis_url = f"redis://{redis}/0" if ledger is None else ledger.url
            replica.settings = {
                **settings_for(exchange.address, redis_url, route=route),
                **vault,
                "OKX_GATEWAY_OKX_REST_URL": f"http://{okx}",
                "OKX_GATEWAY_OKX_WS_PRIVATE_URL": f"ws://{socket}/ws/v5/private",
                "OKX_GATEWAY_ABSENCE_MARGIN_MS": str(MARGIN_MS),
                **(settings or {}),
            }
            session = aiohttp.ClientSession(
                f"http://{calls}",
                cookie_jar=aiohttp.DummyCookieJar(),
                connector=aiohttp.TCPConnector(limit=0),
            )
            replica.door = RestDoor(await stack.enter_async_context(session))
            stack.push_async_callback(replica.bury)
        await asyncio.gather(*(replica.start() for replica in made.replicas))
        yield made
