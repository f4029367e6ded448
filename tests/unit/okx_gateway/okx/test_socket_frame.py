import json

import pytest

from okx_gateway.okx.channel import Channel, channel_of
from okx_gateway.okx.socket_frame import (
    Routes,
    UnreadableFrameError,
    channel_of_argument,
    names,
    operation_frame,
    read_message,
    read_push,
    request_frames,
)

BTC = channel_of("tickers", instId="BTC-USDT")


@pytest.mark.parametrize("raw", [b"", b"not json", b"[]", b"null", b"5", b'{"arg":', b"\xff"])
def test_what_is_no_object_is_not_passed_over(raw: bytes) -> None:
    with pytest.raises(UnreadableFrameError):
        read_message(raw)


@pytest.mark.parametrize("data", [None, {}, [5], [None], "x"])
def test_a_push_without_rows_is_not_passed_over(data: object) -> None:
    with pytest.raises(UnreadableFrameError):
        read_push({"arg": {}, "data": data}, 7)


def test_what_stands_around_the_rows() -> None:
    rows, push = read_push(
        {"data": [{"a": "1"}], "action": "update", "eventType": "x", "curPage": 2}, 7
    )
    assert rows == [{"a": "1"}]
    assert (push.receive_ms, push.action, push.event_type) == (7, "update", "x")
    assert (push.page, push.last_page) == (2, True)
    _, page = read_push(
        {"data": [], "eventType": "snapshot", "curPage": 1, "lastPage": False, "new": {}}, 7
    )
    assert (page.action, page.event_type, page.page, page.last_page) == ("", "snapshot", 1, False)


def test_a_row_that_is_a_list_has_its_places_for_names() -> None:
    rows, _ = read_push({"data": [["1597026383085", "8533.02"], {"a": "1"}, []]}, 7)
    assert rows == [{"0": "1597026383085", "1": "8533.02"}, {"a": "1"}, {}]


def test_many_channels_leave_in_frames_that_okx_takes() -> None:
    channels = [channel_of("tickers", instId=f"A{number:04}-USDT-SWAP") for number in range(2_000)]
    ids = iter(f"id{number}" for number in range(100))
    frames = list(request_frames("subscribe", channels, ids))
    assert max(len(text) for _, text, _ in frames) < 64 * 1024
    assert [each for _, _, part in frames for each in part] == channels
    for request_id, text, part in frames:
        frame = json.loads(text)
        assert (frame["id"], frame["op"]) == (request_id, "subscribe")
        assert [channel_of_argument(each) for each in frame["args"]] == list(part)


def test_an_operation_has_its_expiry_beside_it() -> None:
    # OKX docs v5, "Place order" over WebSocket.
    assert json.loads(operation_frame("1512", "order", [{"sz": "2"}], 1597026383085)) == {
        "id": "1512",
        "op": "order",
        "expTime": "1597026383085",
        "args": [{"sz": "2"}],
    }
    assert "expTime" not in json.loads(operation_frame("1", "cancel-order", [{}], None))


@pytest.mark.parametrize(
    ("quoted", "named"),
    [
        ("Wrong URL or channel:tickers,instId:BTC-USDT doesn't exist.", True),
        ('{"op": "subscribe", "args":[{ "channel" : "tickers", "instId" : "BTC-USDT"}]}', True),
        ("Wrong URL or channel:tickers,instId:BTC-USDT-SWAP doesn't exist.", False),
        ("Wrong URL or channel:trades,instId:BTC-USDT doesn't exist.", False),
        ("", False),
    ],
)
def test_which_channel_an_error_is_about(quoted: str, named: bool) -> None:  # noqa: FBT001
    assert names(quoted, BTC) is named


def test_a_push_finds_its_channel_whatever_it_leaves_out_or_adds() -> None:
    routes: Routes[str] = Routes()
    routes.put(BTC, "btc")
    routes.put(channel_of("account", extraParams='{"updateInterval":"0"}'), "account")
    routes.put(channel_of("orders", instType="ANY"), "any")
    routes.put(channel_of("orders", instType="SPOT"), "spot")
    assert routes.find({"channel": "tickers", "instId": "BTC-USDT"}) == "btc"
    assert routes.find({"channel": "tickers", "instId": "ETH-USDT"}) is None
    assert routes.find({"channel": "account", "uid": "77982378738415879"}) == "account"
    assert routes.find({"channel": "orders", "instType": "SPOT", "uid": "7"}) == "spot"
    assert routes.find({"channel": "orders", "instType": "SWAP", "uid": "7"}) == "any"
    assert routes.find({"channel": "orders", "instType": "ANY", "uid": "7"}) == "any"
    assert routes.find({"channel": 5, "instId": []}) is None


def test_a_channel_of_a_type_also_finds_what_is_told_by_instrument() -> None:
    routes: Routes[str] = Routes()
    routes.put(channel_of("positions", instType="SWAP"), "swaps")
    assert routes.find({"channel": "positions", "instType": "SWAP", "instId": "X"}) == "swaps"
    assert routes.find({"channel": "positions", "instType": "SPOT", "instId": "X"}) is None


def test_what_was_removed_is_not_found() -> None:
    routes: Routes[str] = Routes()
    for kind in ("SPOT", "SWAP"):
        routes.put(channel_of("orders", instType=kind), kind)
    routes.remove(channel_of("orders", instType="SPOT"))
    assert routes.find({"channel": "orders", "instType": "SPOT"}) is None
    assert routes.find({"channel": "orders", "instType": "SWAP"}) == "SWAP"
    routes.remove(channel_of("orders", instType="SWAP"))
    routes.remove(channel_of("never", instType="SWAP"))
    assert routes.find({"channel": "orders", "instType": "SWAP"}) is None


def test_an_acknowledgement_names_its_channel() -> None:
    assert channel_of_argument({"instId": "BTC-USDT", "channel": "tickers"}) == BTC
    assert channel_of_argument({"channel": 5}) == Channel("")
