"""What is measured, and how hard is it driven?  Pure: tables."""

from dataclasses import dataclass
from enum import Enum, auto

from bench.pace import Work


class Target(Enum):
    """What is called, which is also whose CPU counts."""

    ECHO = auto()
    GATEWAY_GRPC = auto()
    GATEWAY_REST = auto()
    GATEWAY_BY_POST = auto()  # over gRPC, of a gateway that sends orders to OKX over REST
    EXCHANGE = auto()  # directly: the caller's own CPU counts
    VALKEY = auto()  # as directly


class Drive(Enum):
    """How hard: as fast as it goes, at a fixed rate, or by readers of streams."""

    SATURATED = auto()
    PACED = auto()
    STREAMED = auto()


@dataclass(frozen=True, slots=True)
class Variant:
    """One way; `name` stands before its figures, `caller` is a file of `callers`."""

    name: str
    caller: str
    target: Target
    drives: tuple[Drive, ...]
    words: str


# Streams come last: the gateway keeps their subscriptions for a while after they have ended.
PHASES = ((Drive.SATURATED, Drive.PACED), (Drive.STREAMED,))
_ORDERS, _STREAMS = PHASES
VARIANTS = (
    Variant("echo", "grpc_unary", Target.ECHO, _ORDERS, "bare gRPC echo"),
    Variant("place_order", "grpc_unary", Target.GATEWAY_GRPC, _ORDERS, "gateway, gRPC"),
    Variant(
        "place_order_by_post",
        *("grpc_unary", Target.GATEWAY_BY_POST, _ORDERS),
        "the same, to OKX over REST",
    ),
    Variant("place_order_rest", "rest_gateway", Target.GATEWAY_REST, _ORDERS, "gateway, REST"),
    Variant("ledger", "ledger", Target.VALKEY, _ORDERS, "its ledger alone"),
    Variant("signed_post", "signed_post", Target.EXCHANGE, _ORDERS, "bare signed POST"),
    Variant("ccxt", "ccxt_okx", Target.EXCHANGE, _ORDERS, "direct, ccxt"),
    Variant("python_okx", "python_okx", Target.EXCHANGE, _ORDERS, "direct, python-okx"),
    Variant("stream_raw", "grpc_stream", Target.ECHO, _STREAMS, "bare gRPC stream"),
    Variant("stream", "grpc_stream", Target.GATEWAY_GRPC, _STREAMS, "gateway, tickers"),
)

CALLS_AT_ONCE = 64
READERS = 64
CALLS_PER_S = 200.0


def work_of(drive: Drive, seconds: float) -> Work:
    """Return what a program under load is asked to do."""
    match drive:
        case Drive.SATURATED:
            return Work(seconds, at_once=CALLS_AT_ONCE)
        case Drive.PACED:
            return Work(seconds, per_s=CALLS_PER_S)
        case Drive.STREAMED:
            return Work(seconds, at_once=READERS)
