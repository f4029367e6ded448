import asyncio
from contextlib import aclosing

import pytest

from okx_gateway.domain.balance_event import BalanceChange, BalanceSnapshot
from okx_gateway.domain.errors import AccountUnknownError
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.usecases import stream_balance
from okx_gateway.usecases.stream_balance import StreamBalance
from tests.fakes.desk import Desk
from tests.fakes.live_orders import balance_row
from tests.fakes.okx_socket import until


@pytest.fixture
def stream(desk: Desk) -> StreamBalance:
    return desk.account.stream_balance


async def test_the_balance_is_told_and_then_what_changes(desk: Desk, stream: StreamBalance) -> None:
    async with aclosing(stream("main")) as events:
        first = asyncio.ensure_future(anext(events))
        await until(lambda: "main" in desk.live.sockets)
        socket = desk.live.sockets["main"]
        socket.subscribed("account")
        socket.push("account", balance_row({"BTC": "1", "USDT": "5"}), event_type="snapshot")
        snapshot = await first
        assert isinstance(snapshot, BalanceSnapshot)
        assert len(snapshot.balance.currencies) == 2
        socket.push("account", balance_row({"BTC": "2"}, 11), event_type="event_update")
        change = await anext(events)
        assert isinstance(change, BalanceChange)
        assert [each.cash for each in change.currencies] == ["2"]


async def test_silence_is_a_heartbeat(
    stream: StreamBalance, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(stream_balance, "_HEARTBEAT_S", 0.01)
    async with aclosing(stream("main")) as events:
        assert isinstance(await anext(events), Heartbeat)


async def test_an_account_that_is_not_known_is_refused(desk: Desk, stream: StreamBalance) -> None:
    with pytest.raises(AccountUnknownError):
        await anext(stream("nobody"))
    assert not desk.live.sockets
