import json
from typing import Any

import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.check import Identity
from okx_simulator.fault.faults import Faults
from okx_simulator.websocket.channel import Url
from okx_simulator.websocket.error import CloseCode
from okx_simulator.websocket.session import Session
from okx_simulator.websocket.socket import Silence, Socket
from okx_simulator.websocket.socket_registry import SocketRegistry

KEY = DEFAULT_ACCOUNTS[0].keys[0]


class _Socket(Socket):
    """A socket that notes what it is told, and has nothing to write to."""

    def __init__(self, connection: str, url: Url, uid: str = "") -> None:
        session = Session(url, connection, "10.0.0.1", is_demo=False)
        if uid:
            session.identity = Identity(uid, KEY)
        nothing: Any = None
        super().__init__(nothing, None, session, Faults(1))
        self.sent: list[Any] = []
        self.closed_with: list[CloseCode] = []

    def send(self, text: str) -> None:
        self.sent.append(json.loads(text))

    def close(self, code: CloseCode) -> None:
        self.closed_with.append(code)


@pytest.fixture
def sockets() -> dict[str, _Socket]:
    return {
        "a": _Socket("a", Url.PUBLIC),
        "b": _Socket("b", Url.PRIVATE, "u1"),
        "c": _Socket("c", Url.BUSINESS, "u1"),
        "d": _Socket("d", Url.PRIVATE, "u2"),
    }


@pytest.fixture
def registry(sockets: dict[str, _Socket]) -> SocketRegistry:
    registry = SocketRegistry()
    for socket in sockets.values():
        registry.add(socket)
    return registry


@pytest.mark.parametrize(
    ("uid", "url", "expected"),
    [("", "", "abcd"), ("u1", "", "bc"), ("", "private", "bd"), ("u1", "private", "b")],
)
def test_sockets_are_selected_by_account_and_url(
    registry: SocketRegistry, uid: str, url: str, expected: str
) -> None:
    assert "".join(s.session.connection for s in registry.select(uid, url)) == expected


def test_a_removed_socket_is_forgotten_but_was_accepted(
    registry: SocketRegistry, sockets: dict[str, _Socket]
) -> None:
    registry.remove(sockets["a"])
    assert "a" not in registry
    assert (len(registry), registry.accepted) == (3, 4)


def test_disconnecting_closes_with_a_code_or_loses_the_connection(
    registry: SocketRegistry, sockets: dict[str, _Socket]
) -> None:
    assert registry.disconnect("u1", code=CloseCode.NO_DATA) == 2
    assert sockets["b"].closed_with == [CloseCode.NO_DATA]
    assert registry.disconnect("u2") == 1
    assert sockets["d"].is_gone
    assert not sockets["a"].is_gone


def test_a_notice_spares_the_business_url(
    registry: SocketRegistry, sockets: dict[str, _Socket]
) -> None:
    assert registry.notify() == [sockets["a"], sockets["b"], sockets["d"]]
    assert sockets["a"].sent == [
        {
            "event": "notice",
            "code": "64008",
            "msg": "The connection will soon be closed for a service upgrade. Please reconnect.",
            "connId": "a",
        }
    ]
    assert sockets["c"].sent == []


def test_a_revoked_key_closes_the_sockets_it_is_logged_in_on(
    registry: SocketRegistry, sockets: dict[str, _Socket]
) -> None:
    assert registry.revoke("another key") == 0
    assert registry.revoke(KEY.key) == 3
    assert sockets["b"].closed_with == [CloseCode.KEY_CHANGED]
    assert sockets["a"].closed_with == []


def test_idle_sockets_are_closed_once_and_silent_ones_are_left(
    registry: SocketRegistry, sockets: dict[str, _Socket]
) -> None:
    for socket in sockets.values():
        socket.last_frame_us -= 31_000_000
    sockets["a"].touch()
    sockets["d"].silence = Silence.STALLED
    for _ in range(2):
        registry.close_idle(30_000_000)
    assert {name: socket.closed_with for name, socket in sockets.items()} == {
        "a": [],
        "b": [CloseCode.NO_DATA],
        "c": [CloseCode.NO_DATA],
        "d": [],
    }


def test_rows_tell_who_is_there(registry: SocketRegistry) -> None:
    assert registry.rows()[1] == {
        "connection": "b",
        "url": "private",
        "uid": "u1",
        "ip": "10.0.0.1",
        "subscriptions": 0,
    }
