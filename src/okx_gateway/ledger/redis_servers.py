"""Which server of Redis does a script go to, and over which connection?

Touches Redis through redis-py: one server, one that Sentinels name, or the servers of a cluster.
Each connection knows which process it leads to, so that a server is told from its successor.
"""

import asyncio
from collections.abc import Mapping, Sequence
from typing import Any, Protocol, cast
from urllib.parse import SplitResult, parse_qs, unquote, urlsplit

from redis.asyncio import ConnectionPool, Redis, RedisCluster, SSLConnection
from redis.asyncio.cluster import ClusterNode
from redis.asyncio.connection import Connection
from redis.asyncio.retry import Retry
from redis.asyncio.sentinel import Sentinel
from redis.backoff import NoBackoff
from redis.exceptions import ConnectionError as RedisConnectionError
from redis.exceptions import TryAgainError

_CONNECT_TIMEOUT_S = 0.5
# One that hangs must leave time to ask others within the time that a call has.
_WHERE_TIMEOUT_S = 0.1
_CONNECTIONS_MAX = 16
_SENTINEL_PORT, _CLUSTER_PORT = 26_379, 6_379
_KEEPS_ROWS = "noeviction"


class RowsAtRiskError(RedisConnectionError):
    """The server may throw rows away when its memory is full: nothing may rest on it."""


class RedisServers(Protocol):
    """Where keys are, and connections to there."""

    def home(self, key: str) -> str:
        """The server that holds a key, as far as is known."""

    async def connection(self, home: str) -> Any:
        """A connection to a server; it has to be given back.

        Raises:
            RedisError, OSError: None can be had.
        """

    async def release(self, home: str, connection: Any) -> None:
        """Give a connection back."""

    async def find_homes(self) -> None:
        """Learn anew where keys are, because one was not where it was thought to be."""

    async def aclose(self) -> None:
        """Close all connections."""


def run_id_of(connection: Any) -> str:
    """The process that a connection leads to, as it calls itself."""
    return cast("str", connection.okx_gateway_run_id)


def open_servers(url: str) -> RedisServers:
    """Make connections possible; none is opened yet.

    `url` is redis://, rediss:// or unix:// as redis-py reads it, redis+sentinel://HOST:PORT,.../SERVICE/DB
    or redis+cluster://HOST:PORT,...; the last two also as rediss+...
    """
    parts = urlsplit(url)
    _, _, kind = parts.scheme.partition("+")
    match kind:
        case "sentinel":
            return _named_by_sentinels(parts)
        case "cluster":
            return ClusterServers(parts)
    return OneServer(Redis.from_url(url, **_options(unix=parts.scheme == "unix")))


class OneServer:
    """One server, or the one of several that Sentinels name."""

    def __init__(self, redis: "Redis", sentinels: Sequence["Redis"] = ()) -> None:
        self._redis = redis
        self._sentinels = sentinels
        self._pool: Any = redis.connection_pool

    def home(self, key: str) -> str:
        """See RedisServers."""
        del key
        return ""

    async def connection(self, home: str) -> Any:
        """See RedisServers."""
        del home
        return await self._pool.get_connection()

    async def release(self, home: str, connection: Any) -> None:
        """See RedisServers."""
        del home
        await self._pool.release(connection)

    async def find_homes(self) -> None:
        """See RedisServers."""

    async def aclose(self) -> None:
        """See RedisServers."""
        for each in (self._redis, *self._sentinels):
            await each.aclose()


class ClusterServers:
    """The servers of a cluster: redis-py knows where keys are; connections are kept for each."""

    def __init__(self, parts: SplitResult) -> None:
        self._options = _options() | _credentials(parts)
        self._secure = parts.scheme.startswith("rediss")
        nodes = [ClusterNode(host, port) for host, port in _hosts(parts, _CLUSTER_PORT)]
        options = {key: value for key, value in self._options.items() if key != "max_connections"}
        options.pop("redis_connect_func")
        options.pop("retry")
        options |= _asking_where()
        self._cluster = RedisCluster(startup_nodes=nodes, ssl=self._secure, **options)
        self._pools: dict[str, Any] = {}
        self._finding = asyncio.Lock()
        self._found = False

    def home(self, key: str) -> str:
        """See RedisServers."""
        if not self._found:
            return ""
        node = self._cluster.get_node_from_key(key)
        return node.name if node is not None else ""

    async def connection(self, home: str) -> Any:
        """See RedisServers."""
        if not home:
            await self.find_homes()
            raise TryAgainError("where the keys are was not known yet")
        pool = self._pools.get(home)
        if pool is None:
            host, _, port = home.rpartition(":")
            secure = {"connection_class": SSLConnection} if self._secure else {}
            options = {**self._options, **secure, "host": host, "port": int(port)}
            pool = self._pools[home] = ConnectionPool(**options)
        return await pool.get_connection()

    async def release(self, home: str, connection: Any) -> None:
        """See RedisServers."""
        await self._pools[home].release(connection)

    async def find_homes(self) -> None:
        """See RedisServers."""
        if self._finding.locked():
            async with self._finding:
                return  # somebody else has just done so
        async with self._finding:
            if self._found:
                await self._cluster.nodes_manager.initialize()
            else:
                await self._cluster.initialize()
                self._found = True

    async def aclose(self) -> None:
        """See RedisServers."""
        for pool in self._pools.values():
            await pool.disconnect()
        await self._cluster.aclose()


def _named_by_sentinels(parts: SplitResult) -> OneServer:
    service, _, database = parts.path.strip("/").partition("/")
    query = {key: values[0] for key, values in parse_qs(parts.query).items()}
    own = {
        name: query[f"sentinel_{name}"]
        for name in ("username", "password")
        if f"sentinel_{name}" in query
    }
    secure = {"ssl": True} if parts.scheme.startswith("rediss") else {}
    asking = {**_asking_where(), "retry": Retry(NoBackoff(), 0), **secure, **own}
    sentinel: Any = Sentinel(  # type: ignore[no-untyped-call]
        _hosts(parts, _SENTINEL_PORT), sentinel_kwargs=asking
    )
    options = _options() | _credentials(parts) | secure
    primary = sentinel.master_for(service, db=int(database or 0), **options)
    return OneServer(primary, sentinel.sentinels)


def _asking_where() -> dict[str, float]:
    return {"socket_timeout": _WHERE_TIMEOUT_S, "socket_connect_timeout": _WHERE_TIMEOUT_S}


def _options(*, unix: bool = False) -> dict[str, Any]:
    over_tcp = {} if unix else {"socket_keepalive": True}
    return {
        **over_tcp,
        "decode_responses": True,
        "protocol": 3,
        "socket_timeout": None,  # the ledger bounds each round trip as a whole
        "socket_connect_timeout": _CONNECT_TIMEOUT_S,
        "max_connections": _CONNECTIONS_MAX,
        # A script that was not answered may have run: nothing is sent again by itself.
        "retry": Retry(NoBackoff(), 0),
        "redis_connect_func": greet,
    }


async def greet(connection: Any) -> None:
    """Log in, and learn which process answers and whether it keeps what it is given."""
    await Connection.on_connect(connection)
    facts: dict[str, str] = {}
    for section in ("server", "memory"):
        await connection.send_command("INFO", section)
        facts |= _facts(await connection.read_response())
    policy = facts.get("maxmemory_policy", _KEEPS_ROWS)
    if policy != _KEEPS_ROWS:
        raise RowsAtRiskError(
            f"its maxmemory-policy is {policy}, with which it may forget orders; set {_KEEPS_ROWS}"
        )
    connection.okx_gateway_run_id = facts["run_id"]


def _facts(info: str | bytes) -> Mapping[str, str]:
    text = info if isinstance(info, str) else info.decode()
    lines = (line.partition(":") for line in text.splitlines())
    return {name: value for name, colon, value in lines if colon}


def _hosts(parts: SplitResult, port: int) -> list[tuple[str, int]]:
    hosts = parts.netloc.rpartition("@")[2].split(",")
    found = [urlsplit(f"//{host}") for host in hosts]
    return [(each.hostname or "", each.port or port) for each in found]


def _credentials(parts: SplitResult) -> dict[str, str]:
    login = parts.netloc.rpartition("@")[0]
    username, _, password = login.partition(":")
    given = {"username": unquote(username), "password": unquote(password)}
    return {name: value for name, value in given.items() if value}
