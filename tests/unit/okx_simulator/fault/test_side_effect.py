from typing import Any

from okx_simulator.clock import Clock
from okx_simulator.fault.rule import read_rule
from okx_simulator.fault.side_effect import SideEffects
from okx_simulator.websocket.socket_registry import SocketRegistry


class _Sockets(SocketRegistry):
    """Notes whom it was to disconnect."""

    def __init__(self) -> None:
        super().__init__()
        self.disconnected: list[tuple[str, str]] = []

    def disconnect(self, uid: str = "", url: str = "", code: Any = None) -> int:
        self.disconnected.append((uid, url))
        return 0


def test_the_clock_is_set_off() -> None:
    clock = Clock(lambda: 5_000_000_000)
    effects = SideEffects(clock, SocketRegistry())
    effects.apply(read_rule({"kind": "clock_offset", "offset_ms": -2_000}, "x"), None)
    assert (clock.now_us(), clock.true_us()) == (3_000_000, 5_000_000)


def test_sockets_that_fit_the_rule_are_disconnected() -> None:
    sockets = _Sockets()
    rule = read_rule({"kind": "disconnect", "match": {"uid": "u1", "url": "private"}}, "x")
    SideEffects(Clock(), sockets).apply(rule, None)
    assert sockets.disconnected == [("u1", "private")]


def test_a_notice_without_a_socket_to_send_it_to_is_no_error() -> None:
    SideEffects(Clock(), SocketRegistry()).apply(read_rule({"kind": "notice"}, "x"), None)
