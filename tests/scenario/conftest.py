"""One exchange, one Valkey and one gateway for all scenarios of a file."""

from collections.abc import AsyncIterator
from pathlib import Path

import grpc
import pytest
import pytest_asyncio

from okx_gateway.api.v1.gateway_service_pb2_grpc import GatewayServiceStub
from tests.support.running import (
    Exchange,
    Gateway,
    make_vault,
    running_exchange,
    running_gateway,
    settings_for,
)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def exchange(tmp_path_factory: pytest.TempPathFactory) -> AsyncIterator[Exchange]:
    async with running_exchange(tmp_path_factory.mktemp("exchange")) as exchange:
        yield exchange


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def gateway(
    exchange: Exchange, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[Gateway]:
    folder: Path = tmp_path_factory.mktemp("vault")
    settings = {
        **settings_for(exchange.address, valkey_url),
        **make_vault(folder),
        # The least there may be, so that doubt ends while a test waits.
        "OKX_GATEWAY_ABSENCE_MARGIN_MS": "1000",
    }
    async with running_gateway(settings) as gateway:
        yield gateway


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def stub(gateway: Gateway) -> AsyncIterator[GatewayServiceStub]:
    async with grpc.aio.insecure_channel(gateway.grpc) as channel:
        yield GatewayServiceStub(channel)
