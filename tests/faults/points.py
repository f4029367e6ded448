"""Where can an order be when its gateway fails?

A point is a message on a wire of the gateway that has got so far. Pure.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from tests.faults.wire import Passage, Where

PLACING = b"POST /api/v5/trade/order "
BATCH = b"POST /api/v5/trade/batch-orders "
_LOOKING = b"GET /api/v5/trade/order?"
_CALL = b"POST /v1/"


@dataclass(frozen=True, slots=True)
class Point:
    """A message of a wire has got so far.

    `message` begins a request, or names a script of the ledger. `needs` is what has to be done
    first for an order to get there.
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


POINTS = (
    *_around("the call", "calls", _CALL)[1:3],
    *_around("admit", "redis", "admit_order"),
    Point("waiting for a slot", "redis", "admit_order", Where.PASSED, reply=True, needs="slot"),
    Point(
        "connecting to OKX", "redis", "admit_order", Where.PASSED, reply=True, needs="connection"
    ),
    *_around("the order", "okx", PLACING),
    Point("half of the order arrived", "okx", PLACING, Where.HALF),
    *_around("the batch", "okx", BATCH, needs="batch"),
    *_around("settle", "redis", "settle_order")[:3],
    *_around("looking it up", "okx", _LOOKING, needs="doubt")[::2],
    *_around("taking it over", "redis", "take_open", needs="orphan")[2:],
)


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
        if isinstance(message, bytes):
            if not passage.request.startswith(message):
                return False
        elif script_of(passage.request) != message:
            return False
        told = passage.request + (passage.reply or b"")
        return any(name in told for name in names)

    return tell
