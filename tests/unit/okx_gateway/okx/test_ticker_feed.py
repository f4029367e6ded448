"""Whole conversations, as text in and text out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx.ticker_feed import ClosingSoon, SubscriptionRefused, TickerFeed

NOW_MS = 1597026383090


def asked(operation: str, *instruments: str) -> dict[str, Any]:
    arguments = [{"channel": "tickers", "instId": name} for name in instruments]
    return {"op": operation, "args": arguments}


def pushed(instrument: str, last: str = "9999.99") -> str:
    return json.dumps(
        {
            "arg": {"channel": "tickers", "instId": instrument},
            "data": [{"instId": instrument, "last": last, "ts": "1597026383085"}],
        }
    )


def a_feed(*instruments: str) -> TickerFeed:
    """A feed that is connected and has asked for `instruments`."""
    feed = TickerFeed()
    feed.want(instruments)
    feed.connected()
    feed.to_send()
    return feed


def sent(feed: TickerFeed) -> list[dict[str, Any]]:
    return [json.loads(frame) for frame in feed.to_send()]


def test_a_conversation_from_beginning_to_end() -> None:
    feed = TickerFeed()
    feed.want(["ETH-USDT", "BTC-USDT"])
    assert sent(feed) == []
    feed.connected()
    assert sent(feed) == [asked("subscribe", "BTC-USDT", "ETH-USDT")]
    confirmed = '{"event":"subscribe","arg":{"channel":"tickers","instId":"BTC-USDT"},"connId":"a"}'
    assert feed.received(confirmed, receive_ms=NOW_MS) == []
    [ticker] = feed.received(pushed("BTC-USDT"), receive_ms=NOW_MS)
    assert isinstance(ticker, Ticker)
    assert (ticker.instrument, ticker.last_price) == ("BTC-USDT", "9999.99")
    assert (ticker.exchange_ms, ticker.receive_ms) == (1597026383085, NOW_MS)
    feed.silent()
    assert feed.to_send() == ["ping"]
    assert feed.received("pong", receive_ms=NOW_MS) == []
    feed.drop(["BTC-USDT"])
    feed.want(["SOL-USDT"])
    assert sent(feed) == [asked("subscribe", "SOL-USDT"), asked("unsubscribe", "BTC-USDT")]
    assert feed.received(pushed("BTC-USDT"), receive_ms=NOW_MS) == []
    assert sent(feed) == []
    assert feed.wanted == {"ETH-USDT", "SOL-USDT"}


def test_a_new_conversation_asks_for_everything_again_and_only_for_what_is_still_wanted() -> None:
    feed = a_feed("BTC-USDT", "ETH-USDT")
    feed.silent()
    feed.disconnected()
    feed.drop(["ETH-USDT"])
    assert sent(feed) == []
    feed.connected()
    assert sent(feed) == [asked("subscribe", "BTC-USDT")]


def test_what_is_wanted_and_dropped_before_it_was_asked_for_is_never_sent() -> None:
    feed = a_feed()
    feed.want(["BTC-USDT"])
    feed.drop(["BTC-USDT"])
    assert sent(feed) == []


def test_many_instruments_leave_in_frames_that_okx_takes() -> None:
    names = [f"A{number:04}-USDT" for number in range(2_000)]
    feed = TickerFeed()
    feed.want(names)
    feed.connected()
    frames = feed.to_send()
    assert max(map(len, frames)) < 64 * 1024
    asked_for = [each["instId"] for frame in frames for each in json.loads(frame)["args"]]
    assert asked_for == names


# OKX docs, "WebSocket / Subscribe", the example of a failure, and one seen for a channel.
REFUSALS = [
    json.dumps({"event": "error", "code": code, "msg": told, "connId": "a4d3ae55"})
    for code, told in (
        ("60018", "Wrong URL or channel:tickers,instId:XYZ-USDT doesn't exist."),
        ("60012", 'Invalid request: {"op": "subscribe", "args":[{ "instId" : "XYZ-USDT"}]}'),
    )
]


@pytest.mark.parametrize("refusal", REFUSALS)
def test_an_instrument_that_okx_refuses_is_told_once_and_not_asked_again(refusal: str) -> None:
    feed = a_feed("XYZ-USDT", "XYZ-USDT-SWAP", "BTC-USDT")
    [event] = feed.received(refusal, receive_ms=NOW_MS)
    assert isinstance(event, SubscriptionRefused)
    assert event.instrument == "XYZ-USDT"
    assert event.code in ("60018", "60012")
    assert feed.received(refusal, receive_ms=NOW_MS) == []
    assert sent(feed) == []


def test_a_refused_instrument_is_asked_for_again_once_dropped_or_connected_anew() -> None:
    feed = a_feed("XYZ-USDT")
    feed.received(REFUSALS[0], receive_ms=NOW_MS)
    feed.drop(["XYZ-USDT"])
    feed.want(["XYZ-USDT"])
    assert sent(feed) == [asked("subscribe", "XYZ-USDT")]
    feed.received(REFUSALS[0], receive_ms=NOW_MS)
    feed.connected()
    assert sent(feed) == [asked("subscribe", "XYZ-USDT")]


def test_a_notice_of_closing_is_told() -> None:
    # OKX docs, "WebSocket / Notification".
    notice = (
        '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
        'upgrade. Please reconnect.","connId":"a4d3ae55"}'
    )
    assert a_feed().received(notice, receive_ms=NOW_MS) == [ClosingSoon()]


@pytest.mark.parametrize(
    "text",
    [
        "",
        "not json",
        "[]",
        "null",
        "5",
        '{"arg":null,"data":[{}]}',
        '{"arg":{"channel":"books"},"data":[{"instId":"BTC-USDT"}]}',
        '{"arg":{"channel":"tickers"}}',
        '{"arg":{"channel":"tickers"},"data":{}}',
        '{"arg":{"channel":"tickers"},"data":[null,5,"x"]}',
        '{"arg":{"channel":"tickers"},"data":[{"instId":"BTC-USDT","last":5}]}',
        '{"arg":{"channel":"tickers"},"data":[{"instId":"UNASKED-USDT"}]}',
        '{"event":"notice","code":"1"}',
        '{"event":"error","code":"60014","msg":"Requests too frequent"}',
        '{"event":["x"],"msg":7}',
    ],
)
def test_what_cannot_be_used_is_passed_over(text: str) -> None:
    assert a_feed("BTC-USDT").received(text, receive_ms=NOW_MS) == []


def test_one_bad_row_does_not_hide_the_others() -> None:
    message = json.loads(pushed("BTC-USDT"))
    message["data"].insert(0, {"instId": 5})
    events = a_feed("BTC-USDT").received(json.dumps(message), receive_ms=NOW_MS)
    assert [type(event) for event in events] == [Ticker]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["want", "drop", "connected", "disconnected", "send"]),
            st.sets(st.sampled_from(["A-B", "C-D", "E-F"])),
        ),
        max_size=30,
    )
)
def test_okx_ends_up_with_exactly_what_is_wanted(steps: list[tuple[str, set[str]]]) -> None:
    feed, at_okx = TickerFeed(), set[str]()

    def deliver() -> None:
        for frame in sent(feed):
            names = {each["instId"] for each in frame["args"]}
            if frame["op"] == "subscribe":
                assert not names & at_okx
                at_okx.update(names)
            else:
                assert names <= at_okx
                at_okx.difference_update(names)

    for step, names in steps:
        match step:
            case "want":
                feed.want(names)
            case "drop":
                feed.drop(names)
            case "connected":
                feed.connected()
                at_okx.clear()
            case "disconnected":
                feed.disconnected()
            case _:
                deliver()
    feed.connected()
    at_okx.clear()
    deliver()
    assert at_okx == feed.wanted
