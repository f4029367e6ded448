"""Over which WebSocket does a request about an order go, if over one?

The account's own, unless REST is set, it is not ready, or OKX did not take or not answer the last
one. What a socket turned away provably was not carried out, and goes over REST.
"""

import time
from collections.abc import Callable, Sequence
from typing import Literal, Protocol

import structlog

from okx_gateway import metric
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import Refused
from okx_gateway.okx.order_operation import is_about_the_code, is_about_the_socket
from okx_gateway.okx.reply import RawReply, Row

_LOG = structlog.get_logger()
# A number may be refused for good, and each attempt costs a slot in the rate limits.
_CODE_PAUSE_S = 600.0
_SOCKET_PAUSE_S = 60.0
_PAUSES_MAX = 10_000

RouteSetting = Literal["auto", "socket", "rest"]


class OrderSocket(Protocol):
    """A connection of an account that takes orders."""

    @property
    def is_operable(self) -> bool:
        """Whether operations can be sent."""

    async def operate(
        self,
        name: str,
        arguments: Sequence[Row],
        *,
        expiry_ms: int | None,
        write_before_s: float,
        timeout_s: float,
    ) -> RawReply:
        """Send one operation, once; see ChannelSocket.operate."""


class OrderSockets:
    """Chooses; `socket_of` an account gives its socket, which connects by itself from then on.

    `on_wrong_code` is told when the number of an instrument was refused: it may be listed anew.
    """

    def __init__(
        self,
        socket_of: Callable[[str], OrderSocket],
        *,
        route: RouteSetting = "auto",
        on_wrong_code: Callable[[], None] = lambda: None,
    ) -> None:
        self._route = route
        self._socket_of = socket_of
        self._on_wrong_code = on_wrong_code
        self._paused_until_s: dict[int | str, float] = {}

    @property
    def is_only(self) -> bool:
        """Whether nothing may go over REST."""
        return self._route == "socket"

    def choose(self, account: str, instrument: Instrument) -> tuple[OrderSocket | None, str]:
        """The socket to take, and why not where that is None."""
        if self._route == "rest":
            return None, "set"
        socket = self._socket_of(account)
        if not socket.is_operable:
            return None, "no_socket"
        if not instrument.socket_code:
            return None, "no_code"
        if self._route == "auto":
            if self._is_paused(instrument.socket_code):
                return None, "code_refused"
            if self._is_paused(account):
                return None, "paused"
        return socket, ""

    def turns_away(self, account: str, instrument: Instrument, refused: Refused) -> bool:
        """Whether a refusal over the socket is about the way, so that REST is to be asked.

        Until then the same way is not chosen again.
        """
        if is_about_the_code(refused):
            self._on_wrong_code()
            self._pause(instrument.socket_code, _CODE_PAUSE_S)
        elif is_about_the_socket(refused):
            self._pause(account, _SOCKET_PAUSE_S)
        else:
            return False
        if self._route != "auto":
            return False
        metric.turned_away(refused.code)
        _LOG.warning(
            "a socket did not take a request about an order, which goes over REST",
            account=account,
            instrument=instrument.name,
            code=refused.code,
            message=refused.message,
        )
        return True

    def gave_no_answer(self, account: str, socket: OrderSocket) -> None:
        """Learn that `socket` left a request in doubt; one that lives on may leave the next there.

        One that was lost is made anew, and says nothing of its successor.
        """
        if socket.is_operable:
            self._pause(account, _SOCKET_PAUSE_S)

    def _is_paused(self, way: int | str) -> bool:
        return time.monotonic() < self._paused_until_s.get(way, 0.0)

    def _pause(self, way: int | str, pause_s: float) -> None:
        if len(self._paused_until_s) >= _PAUSES_MAX:
            self._paused_until_s.clear()
        self._paused_until_s[way] = time.monotonic() + pause_s
