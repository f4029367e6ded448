from collections.abc import Sequence
from typing import Any

import pytest

from okx_simulator.event import (
    AccountUpdated,
    AlgoUpdated,
    BalanceAndPosition,
    Event,
    OrderUpdated,
    PositionUpdated,
    TickerUpdated,
)
from okx_simulator.websocket.channel import CHANNELS
from okx_simulator.websocket.channel_account import REGULAR_US, AccountFeed, fits, interval_us
from okx_simulator.websocket.session import Subscription

UID = "u1"
SPOT = {"instType": "SPOT", "instId": "BTC-USDT", "ordType": "limit"}
SWAP = {"instType": "SWAP", "instId": "ETH-USDT-SWAP", "ordType": "trigger", "posId": "p1"}


class _Rows:
    """Accounts that say what they were asked for."""

    def balance(self, uid: str, currencies: Sequence[str]) -> dict[str, Any]:
        return {"uid": uid, "details": list(currencies)}

    def positions(self, uid: str) -> Sequence[dict[str, Any]]:
        return [SWAP]

    def balance_and_position(self, uid: str) -> dict[str, Any]:
        return {"eventType": "snapshot"}


def _sub(name: str, uid: str = UID, **words: str) -> Subscription:
    return Subscription(CHANNELS[name], uid, tuple(words.items()))


def _feed(*subscriptions: Subscription) -> AccountFeed:
    feed = AccountFeed(_Rows())
    for subscription in subscriptions:
        feed.begin(subscription, 0)
    return feed


def _note(feed: AccountFeed, event: Event, now_us: int = 0) -> list[dict[str, Any]]:
    return [frame for _, frame in feed.note(event, now_us)]


def _due(feed: AccountFeed, now_us: int) -> list[dict[str, Any]]:
    return [frame for _, frame in feed.due(now_us)]


def test_the_account_begins_with_a_snapshot_on_one_page() -> None:
    assert AccountFeed(_Rows()).begin(_sub("account"), 0) == [
        {
            "arg": {"channel": "account", "uid": UID},
            "eventType": "snapshot",
            "curPage": 1,
            "lastPage": True,
            "data": [{"uid": UID, "details": []}],
        }
    ]


def test_orders_begin_silently_and_are_pushed_at_once() -> None:
    feed = AccountFeed(_Rows())
    assert feed.begin(_sub("orders", instType="ANY"), 0) == []
    assert _note(feed, OrderUpdated(UID, SPOT)) == [
        {"arg": {"channel": "orders", "instType": "ANY", "uid": UID}, "data": [SPOT]}
    ]


def test_nobody_hears_of_other_accounts() -> None:
    feed = _feed(_sub("orders", instType="ANY"), _sub("account"), _sub("balance_and_position"))
    assert _note(feed, OrderUpdated("u2", SPOT)) == []
    assert _note(feed, BalanceAndPosition("u2", {})) == []
    _note(feed, AccountUpdated("u2", ("BTC",)))
    assert _due(feed, 100_000) == []


def test_balance_changes_within_50_ms_make_one_push_of_what_changed() -> None:
    feed = _feed(_sub("account"))
    assert _note(feed, AccountUpdated(UID, ("BTC",)), 1_000) == []
    assert _note(feed, AccountUpdated(UID, ("USDT", "BTC")), 30_000) == []
    assert _due(feed, 50_999) == []
    (frame,) = _due(feed, 51_000)
    assert frame["eventType"] == "event_update"
    assert frame["data"] == [{"uid": UID, "details": ["BTC", "USDT"]}]
    assert "curPage" not in frame
    assert _due(feed, 200_000) == []


def test_a_subscription_to_one_currency_hears_of_that_alone() -> None:
    feed = _feed(_sub("account", ccy="BTC"))
    _note(feed, AccountUpdated(UID, ("USDT",)))
    assert _due(feed, 60_000) == []
    _note(feed, AccountUpdated(UID, ("USDT", "BTC")), 60_000)
    assert [frame["data"][0]["details"] for frame in _due(feed, 120_000)] == [["BTC"]]


def test_positions_are_merged_to_their_last_state() -> None:
    feed = _feed(_sub("positions", instType="ANY"))
    _note(feed, PositionUpdated(UID, {**SWAP, "pos": "1"}))
    _note(feed, PositionUpdated(UID, {**SWAP, "pos": "2"}))
    (frame,) = _due(feed, 50_000)
    assert (frame["eventType"], frame["data"]) == ("event_update", [{**SWAP, "pos": "2"}])


def test_positions_outside_the_subscription_are_left_out() -> None:
    feed = _feed(_sub("positions", instType="FUTURES"))
    _note(feed, PositionUpdated(UID, SWAP))
    assert _due(feed, 50_000) == []


@pytest.mark.parametrize("name", ["account", "positions"])
def test_a_snapshot_comes_every_five_seconds_whatever_happens(name: str) -> None:
    feed = _feed(_sub(name))
    assert _due(feed, REGULAR_US - 1) == []
    assert [frame["eventType"] for frame in _due(feed, REGULAR_US)] == ["snapshot"]
    assert _due(feed, 2 * REGULAR_US - 1) == []
    assert len(_due(feed, 2 * REGULAR_US)) == 1


def test_an_interval_of_0_leaves_only_events() -> None:
    feed = _feed(_sub("account", extraParams='{"updateInterval": "0"}'))
    assert _due(feed, 10 * REGULAR_US) == []
    _note(feed, AccountUpdated(UID, ("BTC",)))
    assert len(_due(feed, 10 * REGULAR_US)) == 1


@pytest.mark.parametrize(
    ("name", "written", "expected_us"),
    [
        ("positions", '{"updateInterval": "2000"}', 2_000_000),
        ("positions", ' {\n "updateInterval": 4000 }', 4_000_000),
        ("positions", '{"updateInterval": "2500"}', REGULAR_US),
        ("positions", '{"updateInterval": "0"}', 0),
        ("account", '{"updateInterval": "2000"}', REGULAR_US),
        ("account", "nonsense", REGULAR_US),
        ("account", "", REGULAR_US),
    ],
)
def test_the_interval_is_read_from_the_extra_params(
    name: str, written: str, expected_us: int
) -> None:
    assert interval_us(_sub(name, extraParams=written)) == expected_us


def test_balance_and_position_begins_with_a_snapshot_and_then_tells_events() -> None:
    feed = AccountFeed(_Rows())
    arg = {"channel": "balance_and_position", "uid": UID}
    assert feed.begin(_sub("balance_and_position"), 0) == [
        {"arg": arg, "data": [{"eventType": "snapshot"}]}
    ]
    assert _note(feed, BalanceAndPosition(UID, {"eventType": "filled"})) == [
        {"arg": arg, "data": [{"eventType": "filled"}]}
    ]


def test_algo_orders_go_to_the_channel_of_their_kind() -> None:
    feed = _feed(_sub("orders-algo", instType="ANY"), _sub("algo-advance", instType="ANY"))
    (plain,) = _note(feed, AlgoUpdated(UID, SWAP))
    assert plain["arg"]["channel"] == "orders-algo"
    (advanced,) = _note(feed, AlgoUpdated(UID, {**SWAP, "ordType": "move_order_stop"}))
    assert advanced["arg"]["channel"] == "algo-advance"


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        ({"instType": "ANY"}, True),
        ({"instType": "SWAP"}, True),
        ({"instType": "SPOT"}, False),
        ({"instType": "SWAP", "instFamily": "ETH-USDT"}, True),
        ({"instType": "SWAP", "instFamily": "ETH-USD"}, False),
        ({"instType": "SWAP", "instId": "ETH-USDT-SWAP"}, True),
        ({"instType": "SWAP", "instId": "BTC-USDT-SWAP"}, False),
        ({"instType": "SWAP", "instId": "ETH-USDT-SWAP", "instFamily": "BTC-USDT"}, True),
    ],
)
def test_a_subscription_is_narrowed_by_its_words(*, words: dict[str, str], expected: bool) -> None:
    assert fits(_sub("orders", **words), SWAP) is expected


def test_what_ended_is_not_pushed_any_more() -> None:
    feed = _feed(_sub("orders", instType="ANY"), _sub("account"))
    feed.end(_sub("orders", instType="ANY"))
    feed.end(_sub("orders", instType="ANY"))
    feed.end(_sub("account"))
    assert _note(feed, OrderUpdated(UID, SPOT)) == []
    assert _due(feed, 10 * REGULAR_US) == []


def test_events_of_the_market_are_no_concern() -> None:
    assert _note(_feed(_sub("account")), TickerUpdated("BTC-USDT")) == []
