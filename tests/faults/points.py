"""Where can an order be when its gateway fails?

A point is a message on a wire of the gateway that has got so far. Pure.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field

from okx_gateway.okx.order_sockets import RouteSetting
from tests.faults.wire import Passage, Where

_LOOKING = b"GET /api/v5/trade/order?"
_CALL = b"POST /v1/"


@dataclass(frozen=True, slots=True)
class Way:
    """How orders get to OKX: over which wire of their gateway, and by which words they are known.

    `match` has a fault of the simulator strike single orders.
    """

    route: RouteSetting
    wire: str
    order: bytes
    batch: bytes
    match: Mapping[str, str] = field(hash=False)


OVER_REST = Way(
    "rest",
    "okx",
    b"POST /api/v5/trade/order ",
    b"POST /api/v5/trade/batch-orders ",
    {"method": "POST", "path": "/api/v5/trade/order"},
)
OVER_SOCKET = Way(
    "socket",
    "socket",
    b'"op":"order"',
    b'"op":"batch-orders"',
    {"door": "ws", "op": "order"},
)


@dataclass(frozen=True, slots=True)
class Point:
    """A message of a wire has got so far.

    `message` is in a request, or names a script of the ledger. `needs` is what has to be done first
    for an order to get there.
    """

    name: str
    wire: str
    message: bytes | str
    where: Where = Where.HELD
    reply: bool = False
    needs: str = ""


def _around(name: str, wire: str, message: bytes | str, needs: str = "") -> list[Point]:
    return [
        Point(f"{name}, on its way", wire, message, Where.HELD, needs=needs),
        Point(f"{name}, arrived", wire, message, Where.PASSED, needs=needs),
        Point(f"{name}, answer on its way", wire, message, Where.HELD, reply=True, needs=needs),
        Point(f"{name}, answer arrived", wire, message, Where.PASSED, reply=True, needs=needs),
    ]


def _written(way: Way) -> list[Point]:
    return [
        *_around("the order", way.wire, way.order),
        Point("half of the order arrived", way.wire, way.order, Where.HALF),
        *_around("the batch", way.wire, way.batch, needs="batch"),
    ]


_ENDING = (
    *_around("looking it up", "okx", _LOOKING, needs="doubt")[::2],
    *_around("taking it over", "redis", "take_open", needs="orphan")[2:],
)
POINTS = {
    OVER_REST: (
        *_around("the call", "calls", _CALL)[1:3],
        *_around("admit", "redis", "admit_order"),
        Point("waiting for a slot", "redis", "admit_order", Where.PASSED, reply=True, needs="slot"),
        Point(
            "connecting to OKX",
            *("redis", "admit_order", Where.PASSED),
            reply=True,
            needs="connection",
        ),
        *_written(OVER_REST),
        *_around("settle", "redis", "settle_order")[:3],
        *_ENDING,
    ),
    # Up to there, and from there on, the way makes no difference.
    OVER_SOCKET: (*_written(OVER_SOCKET), *_ENDING),
}


def about(
    message: bytes | str,
    names: Sequence[bytes],
    script_of: Callable[[bytes], str],
    *,
    reply: bool,
) -> Callable[[Passage], bool]:
    """Tell messages of a kind that name one of some orders, requests or replies."""

    def tell(passage: Passage) -> bool:
        if (passage.reply is not None) != reply:
            return False
        # Answers of a socket are matched with requests by what they say, not by their turn.
        told = passage.request + (passage.reply or b"")
        if isinstance(message, bytes):
            if message not in told:
                return False
        elif script_of(passage.request) != message:
            return False
        return any(name in told for name in names)

    return tell
