from collections.abc import Iterator

import pytest

from okx_gateway.account.live_accounts import LiveAccounts
from tests.fakes.live_orders import FakeLists, FakeSocket


@pytest.fixture
def sockets() -> dict[str, FakeSocket]:
    return {}


@pytest.fixture
def refusals() -> list[tuple[str, str, str]]:
    return []


@pytest.fixture
def live(
    sockets: dict[str, FakeSocket], refusals: list[tuple[str, str, str]]
) -> Iterator[LiveAccounts]:
    live = LiveAccounts(
        socket_of=lambda account: sockets.setdefault(account, FakeSocket()),
        lists_of=lambda _: FakeLists(),
        refused=lambda *told: refusals.append(told),
        now_ms=lambda: 1_000,
        grace_s=60,
        kept_max=100,
    )
    yield live
    live.close()


async def test_only_what_is_needed_is_subscribed(
    live: LiveAccounts, sockets: dict[str, FakeSocket]
) -> None:
    balance = live.balance("main")
    assert live.balance("main") is balance
    assert sockets["main"].listeners.keys() == {"account"}
    assert live.orders("other", need=False) is None
    orders = live.orders("main", need=True)
    assert live.orders("main", need=False) is orders
    with live.held_orders("main") as held:
        assert held is orders
    with live.held_balance("main") as held_balance:
        assert held_balance is balance
    assert sockets["main"].listeners.keys() == {"account", "orders"}
    assert sockets["main"].listeners["orders"][0].arguments == (("instType", "ANY"),)


async def test_accounts_are_apart(live: LiveAccounts, sockets: dict[str, FakeSocket]) -> None:
    assert live.orders("main", need=True) is not live.orders("other", need=True)
    assert sockets.keys() == {"main", "other"}


async def test_a_refusal_is_told_with_its_account_and_channel(
    live: LiveAccounts, sockets: dict[str, FakeSocket], refusals: list[tuple[str, str, str]]
) -> None:
    live.balance("main")
    channel, listener = sockets["main"].listeners["account"]
    listener.on_refused(channel, "channel-conn-count-error")
    assert refusals == [("main", "account", "channel-conn-count-error")]


async def test_nothing_is_wanted_at_the_end(
    live: LiveAccounts, sockets: dict[str, FakeSocket]
) -> None:
    live.balance("main")
    live.orders("main", need=True)
    live.close()
    assert not sockets["main"].listeners
