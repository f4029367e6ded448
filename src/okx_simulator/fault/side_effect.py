"""What do faults do beside spoiling an answer? Changes the clock and reaches sockets."""

from okx_simulator.clock import Clock
from okx_simulator.fault.rule import FaultRule, Kind
from okx_simulator.websocket.socket import Socket
from okx_simulator.websocket.socket_registry import SocketRegistry, notify


class SideEffects:
    """Carries side effects out at the moment a request is struck, before it is carried out."""

    def __init__(self, clock: Clock, sockets: SocketRegistry) -> None:
        self._clock = clock
        self._sockets = sockets

    def apply(self, rule: FaultRule, asking: Socket | None) -> None:
        """Carry out the side effect of a rule; `asking` is the socket that was struck."""
        match rule.kind:
            case Kind.CLOCK_OFFSET:
                self._clock.offset_us = rule.offset_ms * 1_000
            case Kind.DISCONNECT:
                self._sockets.disconnect(rule.match.uid, rule.match.url)
            case Kind.NOTICE if asking:
                notify(asking)
