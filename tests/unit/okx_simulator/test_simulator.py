import ssl
from pathlib import Path
from typing import Any

import aiohttp
import pytest

from okx_simulator.fault.rule import read_rule
from okx_simulator.simulator import Options, Simulator
from okx_simulator.tls import server_context


async def _time(url: str, **options: Any) -> int:
    async with aiohttp.ClientSession() as client, client.get(url, **options) as answer:
        return int(answer.status)


async def test_one_simulator_serves_several_addresses(tmp_path: Path) -> None:
    authority = tmp_path / "authority.pem"
    async with Simulator(Options()) as simulator:
        plain = await simulator.listen(simulator.public, "127.0.0.1", 0)
        context = server_context("127.0.0.1", authority)
        secure = await simulator.listen(simulator.public, "127.0.0.1", 0, context)
        control = await simulator.listen(simulator.control, "127.0.0.1", 0)
        assert len({plain, secure, control}) == 3
        path = "/api/v5/public/time"
        assert await _time(f"http://127.0.0.1:{plain}{path}") == 200
        trusting = ssl.create_default_context(cafile=str(authority))
        assert await _time(f"https://localhost:{secure}{path}", ssl=trusting) == 200
        assert await _time(f"http://127.0.0.1:{control}/healthz") == 200
        assert await _time(f"http://127.0.0.1:{plain}/healthz") == 404


async def test_an_address_that_is_taken_is_an_error() -> None:
    async with Simulator(Options()) as simulator:
        port = await simulator.listen(simulator.public, "127.0.0.1", 0)
        with pytest.raises(OSError, match=str(port)):
            await simulator.listen(simulator.control, "127.0.0.1", port)


async def test_after_the_end_nobody_listens() -> None:
    async with Simulator(Options()) as simulator:
        port = await simulator.listen(simulator.public, "127.0.0.1", 0)
    with pytest.raises(aiohttp.ClientConnectionError):
        await _time(f"http://127.0.0.1:{port}/api/v5/public/time")


async def test_faults_can_be_on_from_the_start() -> None:
    rule = read_rule({"kind": "html_before"}, "bad")
    async with Simulator(Options(faults=(rule,))) as simulator:
        port = await simulator.listen(simulator.public, "127.0.0.1", 0)
        assert await _time(f"http://127.0.0.1:{port}/api/v5/public/time") == 502
