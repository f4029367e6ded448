import base64
import hmac
import json
from typing import Any

import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.check import Keys
from okx_simulator.market.listing import Listing
from okx_simulator.websocket.channel import Url
from okx_simulator.websocket.connection_count import ConnectionCounts
from okx_simulator.websocket.error import CloseCode
from okx_simulator.websocket.message import Login, Malformed, Operation, Subscribe, read_message
from okx_simulator.websocket.session import SUBSCRIPTIONS_MAX, Session, Step

NOW_US = 1_767_225_600_000_000
LISTING = Listing(NOW_US // 1000)
KEYS = Keys(DEFAULT_ACCOUNTS)
KEY = DEFAULT_ACCOUNTS[0].keys[0]
UID = DEFAULT_ACCOUNTS[0].uid


def _session(url: Url = Url.PRIVATE, connection: str = "c1", *, is_demo: bool = False) -> Session:
    return Session(url, connection, "127.0.0.1", is_demo=is_demo)


def _login_arg(seconds: int = NOW_US // 1_000_000, **other: Any) -> dict[str, Any]:
    text = f"{seconds}GET/users/self/verify".encode()
    sign = base64.b64encode(hmac.digest(KEY.secret.encode(), text, "sha256")).decode()
    words = {"apiKey": KEY.key, "passphrase": KEY.passphrase, "timestamp": str(seconds)}
    return {**words, "sign": sign, **other}


def _log_in(session: Session, arg: dict[str, Any] | None = None) -> Step:
    message = Login(arg if arg is not None else _login_arg())
    return session.login(message, KEYS, arrived_us=NOW_US, now_us=NOW_US)


def _subscribe(
    session: Session,
    *args: dict[str, Any],
    op: str = "subscribe",
    counts: ConnectionCounts | None = None,
) -> Step:
    message = read_message(json.dumps({"id": "1512", "op": op, "args": args}))
    assert isinstance(message, Subscribe)
    return session.subscribe(message, LISTING, counts or ConnectionCounts(), NOW_US)


def _logged_in(connection: str = "c1") -> Session:
    session = _session(connection=connection)
    assert _log_in(session).close is None
    return session


def test_a_login_is_acknowledged_and_names_the_account() -> None:
    session = _session()
    step = _log_in(session)
    assert step.frames == [{"event": "login", "code": "0", "msg": "", "connId": "c1"}]
    assert session.uid == UID


def test_a_timestamp_may_be_a_number() -> None:
    arg = _login_arg()
    assert _log_in(_session(), arg | {"timestamp": int(arg["timestamp"])}).close is None


@pytest.mark.parametrize(
    ("arg", "code"),
    [
        (_login_arg(timestamp="soon"), "60004"),
        (_login_arg(NOW_US // 1_000_000 - 31), "60006"),
        (_login_arg(NOW_US // 1_000_000 + 31), "60006"),
        (_login_arg(apiKey="00000000-0000-4000-8000-00000000ffff"), "60005"),
        (_login_arg(sign="AAAA"), "60007"),
        (_login_arg(passphrase="wrong"), "60024"),
        ({}, "60004"),
    ],
)
def test_a_failed_login_says_why_and_closes_with_4001(arg: dict[str, Any], code: str) -> None:
    session = _session()
    step = _log_in(session, arg)
    assert [(frame["event"], frame["code"]) for frame in step.frames] == [("error", code)]
    assert step.close is CloseCode.LOGIN_FAILED
    assert session.uid == ""


def test_a_second_login_is_60031_and_harms_nothing() -> None:
    session = _logged_in()
    step = _log_in(session)
    assert (step.frames[0]["code"], step.close) == ("60031", None)
    assert session.uid == UID


def test_a_live_key_does_not_fit_a_demo_socket() -> None:
    session = _session(is_demo=True)
    step = _log_in(session)
    assert (step.frames[0]["code"], step.close) == ("50101", CloseCode.LOGIN_FAILED)
    assert session.uid == ""


def test_each_argument_is_acknowledged_or_refused_on_its_own() -> None:
    session = _session(Url.PUBLIC)
    good, bad = {"channel": "tickers", "instId": "BTC-USDT"}, {"channel": "nonsense"}
    step = _subscribe(session, good, bad, {"channel": "status"})
    assert step.frames[0] == {
        "id": "1512",
        "event": "subscribe",
        "arg": good,
        "connId": "c1",
    }
    assert [frame["event"] for frame in step.frames] == ["subscribe", "error", "subscribe"]
    assert (step.frames[1]["id"], step.frames[1]["code"]) == ("1512", "60018")
    assert [(at, sub.channel.name) for at, sub in step.begun] == [(1, "tickers"), (3, "status")]


def test_an_unsubscription_mirrors_the_subscription() -> None:
    session = _session(Url.PUBLIC)
    arg = {"channel": "tickers", "instId": "BTC-USDT"}
    (_, begun), *_ = _subscribe(session, arg).begun
    step = _subscribe(session, arg, op="unsubscribe")
    assert step.frames == [{"id": "1512", "event": "unsubscribe", "arg": arg, "connId": "c1"}]
    assert step.ended == [begun]
    assert not session.subscriptions
    assert _subscribe(session, arg, op="unsubscribe").ended == []


def test_pushes_of_private_channels_carry_the_uid_and_acknowledgements_do_not() -> None:
    session = _logged_in()
    arg = {"channel": "orders", "instType": "ANY"}
    step = _subscribe(session, arg)
    assert step.frames[0]["arg"] == arg
    assert step.begun[0][1].arg == arg | {"uid": UID}


def test_extra_params_are_kept_but_not_pushed() -> None:
    session = _logged_in()
    params = '{"updateInterval": "0"}'
    (_, begun), *_ = _subscribe(session, {"channel": "account", "extraParams": params}).begun
    assert begun.word("extraParams") == params
    assert begun.arg == {"channel": "account", "uid": UID}


def test_counted_channels_tell_the_number_of_sockets_after_the_acknowledgement() -> None:
    counts = ConnectionCounts()
    for n in (1, 2):
        session = _logged_in(f"c{n}")
        step = _subscribe(session, {"channel": "account"}, counts=counts)
        assert step.frames[1] == {
            "event": "channel-conn-count",
            "channel": "account",
            "connCount": str(n),
            "connId": f"c{n}",
        }
        assert [at for at, _ in step.begun] == [2]


def test_the_31st_socket_is_acknowledged_and_then_told_that_it_gets_nothing() -> None:
    counts = ConnectionCounts()
    for n in range(30):
        counts.join("orders", UID, f"other{n}")
    session = _logged_in()
    step = _subscribe(session, {"channel": "orders", "instType": "ANY"}, counts=counts)
    assert [frame["event"] for frame in step.frames] == ["subscribe", "channel-conn-count-error"]
    assert (step.frames[1]["connCount"], step.begun) == ("30", [])
    assert not session.subscriptions


def test_a_place_is_given_back_with_the_last_argument_or_with_the_socket() -> None:
    counts = ConnectionCounts()
    session = _logged_in()
    swap, spot = ({"channel": "orders", "instType": kind} for kind in ("SWAP", "SPOT"))
    _subscribe(session, swap, spot, counts=counts)
    _subscribe(session, swap, op="unsubscribe", counts=counts)
    assert counts.join("orders", UID, "other") == 2
    _subscribe(session, spot, op="unsubscribe", counts=counts)
    assert counts.join("orders", UID, "third") == 2
    _subscribe(session, spot, counts=counts)
    session.leave(counts)
    assert counts.join("orders", UID, "fourth") == 3


def test_the_481st_request_within_an_hour_is_too_frequent() -> None:
    session = _session(Url.PUBLIC)
    arg = {"channel": "status"}
    for n in range(480):
        op = "unsubscribe" if n % 2 else "subscribe"
        assert _subscribe(session, arg, op=op).frames[0]["event"] == op
    step = _subscribe(session, arg)
    assert (step.frames[0]["code"], step.frames[0]["id"]) == ("60014", "1512")
    assert _log_in(session).frames[0]["code"] == "60014"


def test_the_number_of_subscriptions_is_bounded() -> None:
    session = _logged_in()
    args = [{"channel": "account", "ccy": f"X{n}"} for n in range(SUBSCRIPTIONS_MAX + 1)]
    step = _subscribe(session, *args)
    assert step.close is CloseCode.TOO_MANY_CHANNELS
    assert len(session.subscriptions) == SUBSCRIPTIONS_MAX


def test_orders_want_the_private_url_and_a_login() -> None:
    operation = Operation("5", "order", ({},), "")
    for url, code in ((Url.PUBLIC, "60028"), (Url.BUSINESS, "60028"), (Url.PRIVATE, "60011")):
        refusal = _session(url).refuse_operation(operation)
        assert refusal is not None
        assert (refusal.frames[0]["code"], refusal.frames[0]["id"]) == (code, "5")
    assert _logged_in().refuse_operation(operation) is None


def test_a_malformed_order_operation_is_answered_in_the_shape_of_one() -> None:
    step = _session().malformed(Malformed("7", "60013", "Invalid args", "order"), 55)
    assert step.frames == [
        {
            "id": "7",
            "op": "order",
            "code": "60013",
            "msg": "Invalid args",
            "data": [],
            "inTime": "55",
            "outTime": "55",
        }
    ]


def test_other_malformed_messages_are_error_events() -> None:
    step = _session().malformed(Malformed("", "60012", "Invalid request: x"), 55)
    assert step.frames == [
        {"event": "error", "code": "60012", "msg": "Invalid request: x", "connId": "c1"}
    ]
