"""Whole conversations, as text in and text out."""

import json
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.okx.channel import Channel, channel_of
from okx_gateway.okx.socket_event import (
    Answered,
    Dead,
    Lapsed,
    Leaving,
    LoginRefused,
    Pushed,
    Ready,
    Refused,
    SocketEvent,
    Stale,
    Subscribed,
)
from okx_gateway.okx.socket_session import SocketSession

BTC = channel_of("tickers", instId="BTC-USDT")
ETH = channel_of("tickers", instId="ETH-USDT")
ORDERS = channel_of("orders", instType="ANY")
LOGIN = '{"op":"login","args":[{}]}'
ROUND_S = 0.25


class Talk:
    """A session, and the time that passes for it."""

    def __init__(self, *channels: Channel, login: str | None = None) -> None:
        self.now_s = 1000.0
        self.session = SocketSession("p", now_s=self.now_s, login=login)
        for channel in channels:
            self.session.want(channel)

    def sent(self) -> list[Any]:
        texts = self.session.to_send(self.now_s)
        return [text if text == "ping" else json.loads(text) for text in texts]

    def asked(self) -> list[tuple[str, list[str]]]:
        """What was subscribed and unsubscribed: the operation, and of each its instrument."""
        return [
            (each["op"], [a.get("instId", a["channel"]) for a in each["args"]])
            for each in self.sent()
            if each != "ping"
        ]

    def get(self, message: object) -> list[SocketEvent]:
        raw = message.encode() if isinstance(message, str) else json.dumps(message).encode()
        return self.session.received(raw, now_s=self.now_s, receive_ms=7)

    def acknowledge(self) -> list[SocketEvent]:
        """Acknowledge whatever is asked for now."""
        return [
            event
            for frame in self.sent()
            if frame != "ping" and frame["op"] == "subscribe"
            for argument in frame["args"]
            for event in self.get(
                {"id": frame["id"], "event": "subscribe", "arg": argument, "connId": "a4d3ae55"}
            )
        ]

    def push(self, channel: Channel = BTC, *rows: dict[str, str]) -> list[SocketEvent]:
        argument = {"channel": channel.name, **dict(channel.arguments)}
        return self.get({"arg": argument, "data": list(rows) or [{"last": "1"}]})

    def wait(self, wait_s: float, *, pong: bool = True) -> list[SocketEvent]:
        """Let time pass in rounds."""
        events: list[SocketEvent] = []
        until_s = self.now_s + wait_s
        while self.now_s < until_s and not any(isinstance(each, Dead) for each in events):
            self.now_s += ROUND_S
            events += self.session.tick(self.now_s)
            if pong and "ping" in self.session.to_send(self.now_s):
                self.get("pong")
        return events


def standing(*channels: Channel) -> Talk:
    talk = Talk(*channels)
    assert talk.acknowledge() == [Subscribed(each) for each in channels]
    return talk


def lively(*channels: Channel) -> Talk:
    """A talk in which each channel pushes every 100 ms."""
    talk = standing(*channels)
    for _ in range(20):
        talk.now_s += 0.1
        talk.session.tick(talk.now_s)
        for channel in channels:
            talk.push(channel)
    return talk


def test_a_conversation_from_beginning_to_end() -> None:
    talk = Talk(BTC, ETH)
    [frame] = talk.sent()
    assert frame["op"] == "subscribe"
    assert frame["args"] == [
        {"channel": "tickers", "instId": "BTC-USDT"},
        {"channel": "tickers", "instId": "ETH-USDT"},
    ]
    ack = {"id": frame["id"], "event": "subscribe", "arg": frame["args"][0], "connId": "a"}
    assert talk.get(ack) == [Subscribed(BTC)]
    assert not talk.session.is_settled()
    assert talk.get(ack | {"arg": frame["args"][1]}) == [Subscribed(ETH)]
    assert talk.session.is_settled()
    [pushed] = talk.push(BTC, {"last": "9"})
    assert isinstance(pushed, Pushed)
    assert (pushed.channel, pushed.rows, pushed.push.receive_ms) == (BTC, [{"last": "9"}], 7)
    assert talk.session.standing() == {BTC: [{"last": "9"}], ETH: []}
    talk.session.drop(BTC)
    talk.session.want(channel_of("tickers", instId="SOL-USDT"))
    assert talk.asked() == [("unsubscribe", ["BTC-USDT"]), ("subscribe", ["SOL-USDT"])]
    assert talk.push(BTC) == []
    assert talk.asked() == []


def test_a_login_comes_first_and_alone() -> None:
    talk = Talk(ORDERS, login=LOGIN)
    assert talk.sent() == [json.loads(LOGIN)]
    assert talk.sent() == []
    assert not talk.session.is_settled()
    done = {"event": "login", "code": "0", "msg": "", "connId": "a4d3ae55"}
    assert talk.get(done) == [Ready()]
    assert talk.session.ready
    assert talk.asked() == [("subscribe", ["orders"])]


@pytest.mark.parametrize("event", ["error", "login"])
def test_a_refused_login_is_told_with_its_code(event: str) -> None:
    talk = Talk(login=LOGIN)
    talk.sent()
    refusal = {"event": event, "code": "60009", "msg": "Login failed.", "connId": "a"}
    assert talk.get(refusal) == [LoginRefused("60009")]


def test_a_login_without_an_answer_ends_the_connection() -> None:
    talk = Talk(login=LOGIN)
    talk.sent()
    assert talk.wait(9) == []
    assert talk.wait(2) == [Dead("no answer to the login")]


def test_a_push_before_its_acknowledgement_is_one() -> None:
    talk = Talk(BTC)
    talk.sent()
    assert [type(each) for each in talk.push(BTC)] == [Subscribed, Pushed]


def test_what_is_dropped_and_wanted_again_begins_with_its_own_acknowledgement() -> None:
    talk = standing(BTC)
    talk.session.drop(BTC)
    talk.session.want(BTC)
    end, begin = talk.sent()
    assert (end["op"], begin["op"]) == ("unsubscribe", "subscribe")
    assert talk.push(BTC) == []
    old = {"id": "p1", "event": "subscribe", "arg": begin["args"][0]}
    assert talk.get(old) == []
    talk.get({"id": end["id"], "event": "unsubscribe", "arg": end["args"][0]})
    assert talk.get(old | {"id": begin["id"]}) == [Subscribed(BTC)]
    assert [type(each) for each in talk.push(BTC)] == [Pushed]


def test_what_is_dropped_before_it_was_asked_for_is_never_sent() -> None:
    talk = Talk(BTC)
    talk.session.drop(BTC)
    talk.session.drop(ETH)
    assert talk.sent() == []


@pytest.mark.parametrize("with_id", [True, False])
@pytest.mark.parametrize(
    "told",
    [
        "Wrong URL or channel:tickers,instId:BTC-USDT doesn't exist.",
        'Invalid request: {"op": "subscribe", "args":[{ "channel":"tickers","instId":"BTC-USDT"}]}',
    ],
)
def test_a_channel_that_okx_refuses_is_told_once_and_not_asked_again(
    told: str, *, with_id: bool
) -> None:
    talk = Talk(BTC, ETH)
    [frame] = talk.sent()
    refusal = {"event": "error", "code": "60018", "msg": told, "connId": "a"}
    refusal |= {"id": frame["id"]} if with_id else {}
    assert talk.get(refusal) == [Refused(BTC, "60018")]
    talk.get({"event": "subscribe", "arg": frame["args"][1]})
    assert talk.session.is_settled()
    assert talk.get(refusal) in ([], [Answered("p1", json.dumps(refusal).encode())])
    assert talk.wait(3600) == []
    talk.session.drop(BTC)
    talk.session.want(BTC)
    assert talk.asked() == [("subscribe", ["BTC-USDT"])]


def test_an_error_that_names_nothing_is_about_the_only_one_in_its_frame() -> None:
    talk = Talk(BTC)
    [frame] = talk.sent()
    refusal = {"id": frame["id"], "event": "error", "code": "64003", "msg": "Your fee tier ..."}
    assert talk.get(refusal) == [Refused(BTC, "64003")]


def test_what_nobody_acknowledged_is_asked_for_once_more_and_alone() -> None:
    talk = Talk(BTC, ETH)
    talk.sent()
    assert talk.wait(10.5) == []
    assert talk.asked() == []  # `wait` has sent them
    assert talk.wait(10.5) == [Dead("no acknowledgement")]


def test_a_connection_that_acknowledges_nothing_of_many_is_given_up_at_once() -> None:
    talk = Talk(*(channel_of("tickers", instId=f"A{number}") for number in range(50)))
    talk.sent()
    assert talk.wait(10.5) == [Dead("no acknowledgement")]


def test_silence_is_answered_by_a_ping_and_a_pong_keeps_the_connection() -> None:
    talk = standing(BTC)
    assert talk.wait(600) == []
    assert talk.session.pongs > 200


def test_a_half_open_connection_is_found_within_five_seconds() -> None:
    talk = standing(BTC)
    began_s = talk.now_s
    while not (events := talk.wait(ROUND_S, pong=False)):
        assert talk.now_s - began_s < 5
    assert events == [Dead("no pong")]


def test_no_conclusion_is_drawn_from_the_silence_of_a_process_that_was_held_up() -> None:
    talk = standing(BTC)
    assert talk.wait(2.5, pong=False) == []
    talk.now_s += 60
    assert talk.session.tick(talk.now_s) == []
    talk.get("pong")
    assert talk.wait(10) == []


def test_a_lively_channel_that_falls_silent_is_told_within_five_seconds() -> None:
    talk = lively(BTC, ETH)
    began_s = talk.now_s
    events: list[SocketEvent] = []
    while not events:
        events = talk.wait(ROUND_S)
        talk.push(ETH)
        assert talk.now_s - began_s < 5
    assert events == [Stale(BTC)]
    assert talk.push(BTC) != []
    talk.wait(3)
    assert talk.push(BTC) != []


def test_one_channel_that_stalls_is_subscribed_anew() -> None:
    talk = lively(BTC, ETH)
    events: list[SocketEvent] = []
    asked: list[tuple[str, list[str]]] = []
    for _ in range(200):
        talk.now_s += 0.1
        events += talk.session.tick(talk.now_s)
        asked += talk.asked()
        talk.push(ETH)
    assert events == [Stale(BTC), Lapsed(BTC)]
    assert asked == [("unsubscribe", ["BTC-USDT"]), ("subscribe", ["BTC-USDT"])]
    assert talk.push(BTC) == []
    argument = {"channel": "tickers", "instId": "BTC-USDT"}
    assert talk.get({"event": "subscribe", "arg": argument}) == [Subscribed(BTC)]
    assert [type(each) for each in talk.push(BTC)] == [Pushed]


def test_a_connection_that_answers_pings_and_brings_no_data_is_given_up() -> None:
    talk = lively(BTC, ETH)
    began_s = talk.now_s
    events: list[SocketEvent] = []
    while not any(isinstance(each, Dead) for each in events):
        events += talk.wait(ROUND_S)
        assert talk.now_s - began_s < 35
    assert events == [Stale(BTC), Stale(ETH), Dead("pongs, but no data")]


def test_a_quiet_channel_is_left_alone() -> None:
    talk = standing(BTC, ORDERS)
    for _ in range(50):
        assert talk.wait(3) == []
        talk.push(BTC)
    assert talk.wait(3600) == []


def test_a_notice_of_closing_is_told_once() -> None:
    # OKX docs v5, "WebSocket / Notification".
    notice = (
        '{"event":"notice","code":"64008","msg":"The connection will soon be closed for a service '
        'upgrade. Please reconnect.","connId":"a4d3ae55"}'
    )
    talk = standing(BTC)
    assert talk.get(notice) == [Leaving("OKX is about to close it")]
    assert talk.get(notice) == []
    assert [type(each) for each in talk.push(BTC)] == [Pushed]


def test_never_more_is_asked_than_okx_takes_in_an_hour() -> None:
    talk = Talk()
    asked = 0
    for _ in range(300):
        talk.session.want(BTC)
        asked += len(talk.sent())
        talk.session.drop(BTC)
        asked += len(talk.sent())
    assert asked == 480
    assert Leaving("it has asked for all it may") in talk.wait(1)
    assert talk.wait(3602) == []
    talk.session.want(ETH)
    assert talk.asked()[-1] == ("subscribe", ["ETH-USDT"])


def test_too_many_requests_are_answered_by_a_new_connection() -> None:
    talk = Talk(BTC)
    [frame] = talk.sent()
    refusal = {"id": frame["id"], "event": "error", "msg": "Requests too frequent", "code": "60014"}
    assert talk.get(refusal) == []
    assert talk.wait(1) == [Leaving("it has asked for all it may")]


def test_a_channel_without_a_place_is_refused_and_asked_for_again_later() -> None:
    talk = standing(ORDERS, BTC)
    # OKX docs v5, "WebSocket / Connection count limit".
    refusal = (
        '{"event":"channel-conn-count-error","channel":"orders","connCount":"30",'
        '"connId":"a4d3ae55"}'
    )
    assert talk.get(refusal) == [Refused(ORDERS, "channel-conn-count-error")]
    assert talk.get(refusal) == []
    assert talk.wait(59) == []
    talk.now_s += 1.1
    talk.session.tick(talk.now_s)
    talk.now_s += ROUND_S
    talk.session.tick(talk.now_s)
    assert talk.acknowledge() == [Subscribed(ORDERS)]


def test_the_count_of_connections_is_no_refusal() -> None:
    talk = standing(ORDERS)
    told = '{"event":"channel-conn-count","channel":"orders","connCount":"2","connId":"abcd1234"}'
    assert talk.get(told) == []


def test_an_operation_is_answered_by_its_id() -> None:
    talk = Talk(ORDERS)
    first, _ = talk.session.operation("order", [{"sz": "1"}], expiry_ms=5)
    second, text = talk.session.operation("order", [{"sz": "1"}], expiry_ms=5)
    assert first != second
    assert json.loads(text)["id"] == second
    assert second.isascii()
    assert second.isalnum()
    answer = {"id": second, "op": "order", "code": "0", "msg": "", "data": []}
    raw = json.dumps(answer).encode()
    assert talk.get(answer) == [Answered(second, raw)]


def test_an_error_event_may_answer_an_operation() -> None:
    talk = Talk(BTC)
    talk.sent()
    request_id, _ = talk.session.operation("order", [{}], expiry_ms=None)
    refusal = {"id": request_id, "event": "error", "code": "60011", "msg": "Please log in"}
    assert talk.get(refusal) == [Answered(request_id, json.dumps(refusal).encode())]


@pytest.mark.parametrize("text", ["", "nonsense", "[]", '{"arg":{"channel":"tickers"', "null"])
def test_a_message_that_cannot_be_read_ends_the_connection(text: str) -> None:
    """What was in it is lost, and a listener has to learn that."""
    [event] = standing(BTC).get(text)
    assert isinstance(event, Dead)


def test_a_push_that_cannot_be_read_ends_the_connection() -> None:
    argument = {"channel": "tickers", "instId": "BTC-USDT"}
    [event] = standing(BTC).get({"arg": argument, "data": {"last": 5}})
    assert isinstance(event, Dead)


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"arg": None, "data": [{}]},
        {"arg": {"channel": "books", "instId": "BTC-USDT"}, "data": [{}]},
        {"arg": {"channel": "new"}, "data": 5},
        {"event": "notice", "code": "1"},
        {"event": "something-new", "arg": 5},
        {"event": "error", "code": "60012", "msg": ""},
        {"event": "subscribe"},
        {"event": "subscribe", "arg": {"channel": "unasked"}},
        {"event": "unsubscribe", "arg": None},
    ],
)
def test_what_is_not_known_is_passed_over(message: dict[str, Any]) -> None:
    talk = standing(BTC)
    assert talk.get(message) == []
    assert [type(each) for each in talk.push(BTC)] == [Pushed]


@given(
    st.lists(
        st.tuples(
            st.sampled_from(["want", "drop", "send"]), st.sets(st.sampled_from([BTC, ETH, ORDERS]))
        ),
        max_size=30,
    )
)
def test_okx_ends_up_with_exactly_what_is_wanted(steps: list[tuple[str, set[Channel]]]) -> None:
    talk, wanted, at_okx = Talk(), set[Channel](), set[str]()

    def deliver() -> None:
        for operation, names in talk.asked():
            if operation == "subscribe":
                assert not set(names) & at_okx
                at_okx.update(names)
            else:
                assert set(names) <= at_okx
                at_okx.difference_update(names)

    for step, channels in steps:
        for channel in sorted(channels, key=str):
            if step == "want":
                talk.session.want(channel)
                wanted.add(channel)
            elif step == "drop":
                talk.session.drop(channel)
                wanted.discard(channel)
        if step == "send":
            deliver()
    deliver()
    assert at_okx == {dict(each.arguments).get("instId", each.name) for each in wanted}
