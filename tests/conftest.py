"""Servers that tests of every kind share: each is started once, and only if a test asks for it."""

import os
import subprocess
import tempfile
import time
from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings
from redis.asyncio import Redis

from okx_gateway.cli.embedded_valkey import server_program
from okx_gateway.ledger.redis_servers import greet

# What is forked here becomes another program at once; gRPC would have it poll before that.
os.environ["GRPC_ENABLE_FORK_SUPPORT"] = "0"

# How long an example takes tells more of the machine than of the code.
settings.register_profile(
    "any_pace",
    parent=settings.get_profile(settings.get_current_profile_name()),
    deadline=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.load_profile("any_pace")

pytest_plugins = ["tests.plugins.canary_plugin"]

_START_WAIT_S = 10.0


@pytest.fixture(scope="session")
def valkey_url() -> Iterator[str]:
    with tempfile.TemporaryDirectory(prefix="valkey-test-") as folder:
        socket = Path(folder) / "valkey.sock"
        process = subprocess.Popen(
            [
                server_program(),
                *("--port", "0", "--unixsocket", str(socket)),
                *("--save", "", "--appendonly", "no", "--dir", folder),
            ],
            stdout=subprocess.DEVNULL,
        )
        try:
            give_up_s = time.monotonic() + _START_WAIT_S
            while not socket.exists():
                assert process.poll() is None, "Valkey ended"
                assert time.monotonic() < give_up_s, "Valkey did not start"
                time.sleep(0.01)
            yield f"unix://{socket}"
        finally:
            process.terminate()
            process.wait(timeout=10)


@pytest.fixture
async def redis(valkey_url: str) -> AsyncIterator["Redis"]:
    client = Redis.from_url(valkey_url, decode_responses=True, protocol=3, redis_connect_func=greet)
    await client.flushall()
    try:
        yield client
    finally:
        await client.aclose()
