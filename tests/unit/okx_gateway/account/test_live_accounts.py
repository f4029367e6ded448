from collections.abc import Iterator

import pytest

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.okx.channel import Channel, ChannelListener
from tests.fakes.live_orders import FakeLists


class Socket:
    """Knows who listens to which channel."""

    def __init__(self) -> None:
        self.listeners: dict[str, tuple[Channel, ChannelListener]] = {}

    def want(self, channel: Channel, listener: ChannelListener) -> None:
        self.listeners[channel.name] = (channel, listener)

    def drop(self, channel: Channel) -> None:
        del self.listeners[channel.name]


@pytest.fixture
def sockets() -> dict[str, Socket]:
    return {}


@pytest.fixture
def refusals() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def live(
    sockets: dict[str, Socket], refusals: list[tuple[str, str, str]]
) -> Iterator[LiveAccounts]:
    live = LiveAccounts(
        socket_of=lambda account: sockets.setdefault(account, Socket()),
        lists_of=lambda _: FakeLists(),
        refused=lambda *told: refusals.append(told),
        now_ms=lambda: 1_000,
        grace_s=60,
        kept_max=100,
    )
    yield live
    live.close()


async def test_only_what_is_needed_is_subscribed(
    live: LiveAccounts, sockets: dict[str, Socket]
) -> None:
    balance = live.balance("main")
    assert live.balance("main") is balance
    assert sockets["main"].listeners.keys() == {"account"}
    orders = live.orders("main")
    with live.held_orders("main") as held:
        assert held is orders
    with live.held_balance("main") as held_balance:
        assert held_balance is balance
    assert sockets["main"].listeners.keys() == {"account", "orders"}
    assert sockets["main"].listeners["orders"][0].arguments == (("instType", "ANY"),)


async def test_accounts_are_apart(live: LiveAccounts, sockets: dict[str, Socket]) -> None:
    assert live.orders("main") is not live.orders("other")
    assert sockets.keys() == {"main", "other"}


async def test_a_refusal_is_told_with_its_account_and_channel(
    live: LiveAccounts, sockets: dict[str, Socket], refusals: list[tuple[str, str, str]]
) -> None:
    live.balance("main")
    channel, listener = sockets["main"].listeners["account"]
    listener.on_refused(channel, "channel-conn-count-error")
    assert refusals == [("main", "account", "channel-conn-count-error")]


async def test_nothing_is_wanted_at_the_end(live: LiveAccounts, sockets: dict[str, Socket]) -> None:
    live.balance("main")
    live.orders("main")
    live.close()
    assert not sockets["main"].listeners
