"""Against a real WebSocket server on loopback."""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from okx_gateway.okx.channel import channel_of
from okx_gateway.okx.private_sockets import PrivateSockets
from tests.fakes.channels import Told
from tests.fakes.okx_socket import OkxSocket, okx_socket, until

ORDERS = channel_of("orders", instType="ANY")


@pytest.fixture
async def okx() -> AsyncIterator[OkxSocket]:
    async with okx_socket() as server:
        yield server


async def no_wait() -> None:
    return


def login_of(account: str) -> Callable[[], str]:
    return lambda: f'{{"op": "login", "args": [{{"apiKey": "of {account}"}}]}}'


@asynccontextmanager
async def sockets_at(okx: OkxSocket) -> AsyncIterator[PrivateSockets]:
    sockets = PrivateSockets(
        okx.url, tls=None, login_of=login_of, wait_for_room=no_wait, on_trouble=lambda _: None
    )
    try:
        yield sockets
    finally:
        await sockets.close()
        await until(lambda: not okx.open_peers)


async def test_each_account_has_a_socket_that_is_logged_in_as_it(okx: OkxSocket) -> None:
    told = Told()
    async with sockets_at(okx) as sockets:
        sockets.of("main").want(ORDERS, told)
        await until(lambda: told.of(ORDERS) == ["subscribed"])
        sockets.of("other").want(ORDERS, told)
        await until(lambda: told.of(ORDERS) == ["subscribed"] * 2)
        assert sockets.of("main") is sockets.of("main")
    said = [okx.said.get_nowait() for _ in range(okx.said.qsize())]
    logins = [frame for _, frame in said if frame != "ping" and frame["op"] == "login"]
    assert [frame["args"][0]["apiKey"] for frame in logins] == ["of main", "of other"]


async def test_nothing_is_connected_before_it_is_needed(okx: OkxSocket) -> None:
    async with sockets_at(okx) as sockets:
        sockets.of("main")
    assert okx.peers == []
