"""What is there to say of a stream of the market besides its values?  Pure.

Times are of our wall clock, for people.
"""

from dataclasses import dataclass
from enum import Enum


class GapReason(Enum):
    """Why something may have been missed."""

    CONNECTION_LOST = "the connection to OKX was lost"
    SUBSCRIPTION_ENDED = "OKX refused or ended the subscription"
    READER_TOO_SLOW = "the reader took less than came"
    SEQUENCE_BROKEN = "what OKX sent did not follow on what it had sent"


@dataclass(frozen=True, slots=True)
class Gap:
    """Updates of `instruments` may have been missed.

    `lost_count` is how many values were dropped because the reader was too slow, where they are
    counted.
    """

    instruments: tuple[str, ...]
    reason: GapReason
    detect_ms: int
    lost_count: int = 0


@dataclass(frozen=True, slots=True)
class Stale:
    """Nothing came of `instruments` for too long, though OKX is there: what is known may be old."""

    instruments: tuple[str, ...]
    detect_ms: int


@dataclass(frozen=True, slots=True)
class Resumed:
    """What follows of `instruments` is as complete again as it was before a gap or silence."""

    instruments: tuple[str, ...]
    resume_ms: int


@dataclass(frozen=True, slots=True)
class Heartbeat:
    """Nothing happened until `send_ms`."""

    send_ms: int


Notice = Gap | Stale | Resumed
