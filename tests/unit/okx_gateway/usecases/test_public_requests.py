import asyncio

import pytest
from redis.asyncio import Redis

from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.usecases import public_requests
from okx_gateway.usecases.public_requests import PublicRequests, owner_of_address
from tests.fakes.desk import OWNER, Desk, a_synchronous_clock
from tests.fakes.orders import NET

ADDRESS = "nat-eu-1"


def requests_of(desk: Desk, clock: ExchangeClock | None = None) -> PublicRequests:
    return PublicRequests(ADDRESS, desk.ask, desk.exchange, clock or desk.clock)


async def spent(redis: "Redis") -> list[str]:
    """Every log that was spent from, of the pool and of the gateway's own part."""
    return sorted(str(key).removeprefix("okxgw:") for key in await redis.keys("*:window:*"))


async def test_what_okx_counts_by_address_is_spent_from_windows_of_that(
    redis: "Redis", desk: Desk
) -> None:
    requests = requests_of(desk)
    await requests.time()
    assert await requests.instruments(InstrumentType.SPOT, "") == []
    await requests.wait_to_connect()
    owner = owner_of_address(ADDRESS)
    assert await spent(redis) == [
        f"{{{owner}}}:window:{name}"
        for name in ("get_instruments:SPOT", "get_time", "websocket_connect")
    ]


async def test_what_okx_counts_by_account_is_spent_from_windows_of_that(
    redis: "Redis", desk: Desk
) -> None:
    requests = requests_of(desk)
    assert (await requests.account_config("main"))["uid"] == "1"
    assert await requests.order_limit(NET) == 1_000
    assert await spent(redis) == [
        "{account:main}:window:get_account_config",
        f"{{{OWNER}}}:window:get_account_rate_limit",
    ]


async def test_nothing_is_signed_before_the_time_of_okx_is_known(
    desk: Desk, monkeypatch: pytest.MonkeyPatch
) -> None:
    clock = ExchangeClock()
    requests = requests_of(desk, clock)
    reading = asyncio.ensure_future(requests.account_config("main"))
    await asyncio.sleep(0.1)
    assert desk.exchange.configs_read == 0
    vars(clock).update(vars(a_synchronous_clock()))
    assert (await reading)["uid"] == "1"
    monkeypatch.setattr(public_requests, "_WAIT_S", 0.05)
    with pytest.raises(ExchangeUnavailableError, match="told its time"):
        await requests_of(desk, ExchangeClock()).account_config("main")
    assert desk.exchange.configs_read == 1
