import asyncio
from collections.abc import Iterator

import pytest

from okx_gateway.account import account_channel
from okx_gateway.account.account_channel import AccountChannel
from okx_gateway.okx.channel import Channel, ChannelListener, Push, channel_of
from okx_gateway.okx.reply import Row

ORDERS = channel_of("orders", instType="ANY")


class Feed:
    """Writes down what it is told."""

    def __init__(self) -> None:
        self.told: list[str] = []

    def on_subscribed(self, channel: Channel) -> None:
        self.told.append("subscribed")

    def on_refused(self, channel: Channel, code: str) -> None:
        self.told.append(f"refused {code}")

    def on_lost(self, channel: Channel) -> None:
        self.told.append("lost")

    def on_stale(self, channel: Channel) -> None:
        self.told.append("stale")

    def on_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        self.told.append(f"{len(rows)} rows")

    def forget(self) -> None:
        self.told.append("forget")


class Socket:
    """Writes down what is wanted of it."""

    def __init__(self) -> None:
        self.wanted: list[str] = []

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        self.wanted.append(f"want {channel.name}")

    def drop(self, channel: Channel) -> None:
        self.wanted.append(f"drop {channel.name}")


@pytest.fixture
def feed() -> Feed:
    return Feed()


@pytest.fixture
def socket() -> Socket:
    return Socket()


@pytest.fixture
def refusals() -> list[str]:
    return []


@pytest.fixture
def channel(feed: Feed, socket: Socket, refusals: list[str]) -> Iterator[AccountChannel]:
    channel = AccountChannel(ORDERS, feed, socket, grace_s=0.02, refused=refusals.append)
    yield channel
    channel.close()


async def test_a_channel_is_wanted_once_and_until_the_grace_is_over(
    channel: AccountChannel, socket: Socket, feed: Feed
) -> None:
    channel.need()
    channel.need()
    assert socket.wanted == ["want orders"]
    await asyncio.sleep(0.04)
    assert socket.wanted == ["want orders", "drop orders"]
    assert feed.told == ["forget"]
    channel.need()
    assert socket.wanted[2:] == ["want orders"]


async def test_a_channel_is_kept_while_it_is_held(channel: AccountChannel, socket: Socket) -> None:
    with channel.held():
        with channel.held():
            await asyncio.sleep(0.04)
        await asyncio.sleep(0.04)
        assert socket.wanted == ["want orders"]
    await asyncio.sleep(0.005)
    assert socket.wanted == ["want orders"]
    await asyncio.sleep(0.04)
    assert socket.wanted == ["want orders", "drop orders"]


async def test_what_is_told_is_passed_on(channel: AccountChannel, feed: Feed) -> None:
    channel.on_subscribed(ORDERS)
    channel.on_rows(ORDERS, [{}, {}], Push(receive_ms=1))
    channel.on_stale(ORDERS)
    channel.on_lost(ORDERS)
    assert feed.told == ["subscribed", "2 rows", "stale", "lost"]


async def test_a_refused_channel_is_tried_again_after_a_pause(
    channel: AccountChannel,
    socket: Socket,
    feed: Feed,
    refusals: list[str],
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_channel, "_TRY_AGAIN_S", 0.01)
    with channel.held():
        channel.on_refused(ORDERS, "channel-conn-count-error")
        channel.on_refused(ORDERS, "channel-conn-count-error")
        await asyncio.sleep(0.03)
        assert socket.wanted == ["want orders", "drop orders", "want orders"]
        assert refusals == ["channel-conn-count-error"] * 2
        assert feed.told == ["refused channel-conn-count-error"] * 2


async def test_a_refused_channel_that_nobody_needs_is_not_tried_again(
    channel: AccountChannel, socket: Socket, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(account_channel, "_TRY_AGAIN_S", 0.01)
    channel.need()
    channel.on_refused(ORDERS, "60018")
    channel.close()
    await asyncio.sleep(0.02)
    assert socket.wanted == ["want orders", "drop orders"]
