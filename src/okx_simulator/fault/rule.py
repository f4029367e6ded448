"""Which faults can be asked for, and with which words?

Pure. A fault is a JSON object: a `kind`, when it strikes (`probability`, `count`, `match`) and
what it needs. Example: lose the reply of every tenth order of one account, five times at most:

    {"name": "lost", "kind": "drop_after", "probability": 0.1, "count": 5,
     "match": {"path": "/api/v5/trade/order", "op": "order", "uid": "1001"}}
"""

import math
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from fnmatch import fnmatchcase
from random import Random
from typing import Any

WAIT_MS_MAX = 600_000
NAME_LENGTH_MAX = 64


class Kind(StrEnum):
    """What goes wrong. "before" is before the engine saw the request, "after" once it ran."""

    LATENCY_ON_WAY = "latency_on_way"  # before it arrives and is counted, REST only
    LATENCY_BEFORE = "latency_before"
    LATENCY_AFTER = "latency_after"
    DROP_BEFORE = "drop_before"  # the connection is closed
    DROP_AFTER = "drop_after"
    CODE_BEFORE = "code_before"  # the answer is an error code
    CODE_AFTER = "code_after"
    HTML_BEFORE = "html_before"  # HTTP 502 with an HTML body, REST only
    HTML_AFTER = "html_after"
    TRUNCATED = "truncated"  # half of the JSON of the answer, after
    GARBLED = "garbled"  # an answer that is no JSON, after
    HALF_OPEN = "half_open"  # takes bytes, never answers, does not close; before
    HALF_OPEN_AFTER = "half_open_after"
    LOSE_ANSWER = "lose_answer"  # a socket lives on, and the answer never comes, after
    WRONG_ID = "wrong_id"  # the answer of a socket bears the id of no request, after
    LATE = "late"  # the connection is closed, the engine sees the request after a wait
    STALL = "stall"  # a socket sends no data any more; with `pong` it still answers pings
    LOSE_PUSH = "lose_push"
    REPEAT_PUSH = "repeat_push"
    DISCONNECT = "disconnect"  # closes every socket that `match` fits, whoever asked
    NOTICE = "notice"  # 64008 to the socket that asked
    CLOCK_OFFSET = "clock_offset"  # sets the exchange's clock off by `offset_ms`


WAITS = frozenset({Kind.LATENCY_BEFORE, Kind.LATENCY_AFTER})
# Decided before the exchange has looked at a request, so that it knows no account yet.
ON_WAY = frozenset({Kind.LATENCY_ON_WAY})
SIDE_EFFECTS = frozenset({Kind.DISCONNECT, Kind.NOTICE, Kind.CLOCK_OFFSET})
PUSH_ONLY = frozenset({Kind.LOSE_PUSH, Kind.REPEAT_PUSH})
# A stall and a half-open socket may begin with a push as well as with a request.
ON_PUSH = PUSH_ONLY | {Kind.STALL, Kind.HALF_OPEN}
SOCKET_ONLY = PUSH_ONLY | {Kind.STALL, Kind.NOTICE, Kind.LOSE_ANSWER, Kind.WRONG_ID}
REST_ONLY = frozenset({Kind.HTML_BEFORE, Kind.HTML_AFTER})
_NEED_WAIT = WAITS | ON_WAY | {Kind.LATE}
_NEED_CODE = frozenset({Kind.CODE_BEFORE, Kind.CODE_AFTER})


class FaultError(ValueError):
    """The JSON of a fault cannot be read; nothing was changed."""


@dataclass(frozen=True, slots=True)
class Occasion:
    """What a fault may strike: a request, or a push of a socket.

    `door` is rest or ws; `target` the path, the op or the pushed channel; `url` is public,
    private or business, and empty for REST.
    """

    door: str
    method: str
    target: str
    uid: str = ""
    inst_ids: tuple[str, ...] = ()
    url: str = ""
    is_push: bool = False


@dataclass(frozen=True, slots=True)
class Match:
    """Which occasions a fault may strike; an empty word fits all, `*` stands for any letters.

    With a `path` or an `op` only such REST requests or socket operations are struck, with both
    either of them; a `channel` is for pushes.
    """

    door: str = ""
    method: str = ""
    path: str = ""
    op: str = ""
    channel: str = ""
    uid: str = ""
    inst_id: str = ""
    url: str = ""

    def fits(self, occasion: Occasion) -> bool:
        """Whether `occasion` may be struck."""
        return (
            self.door in ("", occasion.door)
            and self.method in ("", occasion.method)
            and self.uid in ("", occasion.uid)
            and self.url in ("", occasion.url)
            and (not self.inst_id or any(fnmatchcase(i, self.inst_id) for i in occasion.inst_ids))
            and self._fits_target(occasion)
        )

    def _fits_target(self, occasion: Occasion) -> bool:
        is_named = bool(self.path or self.op)
        if occasion.is_push:
            return not is_named and fnmatchcase(occasion.target, self.channel or "*")
        if not is_named:
            return not self.channel
        pattern = self.path if occasion.door == "rest" else self.op
        return bool(pattern) and fnmatchcase(occasion.target, pattern)


@dataclass(frozen=True, slots=True)
class Wait:
    """A random wait: `low_ms` to `high_ms` evenly, or lognormal around `median_ms`."""

    low_ms: float = 0.0
    high_ms: float = 0.0
    median_ms: float = 0.0
    sigma: float = 0.0

    def draw_ms(self, random: Random) -> float:
        """Draw a wait in milliseconds, never above `WAIT_MS_MAX`."""
        if self.median_ms:
            drawn_ms = self.median_ms * math.exp(random.gauss(0, self.sigma))
        else:
            drawn_ms = random.uniform(self.low_ms, self.high_ms)
        return min(drawn_ms, WAIT_MS_MAX)


@dataclass(frozen=True, slots=True)
class FaultRule:
    """One fault as asked for; `written` is the JSON it was read from."""

    name: str
    kind: Kind
    written: Mapping[str, Any] = field(compare=False)
    probability: float = 1.0
    count: int | None = None
    match: Match = field(default_factory=Match)
    wait: Wait = field(default_factory=Wait)
    code: str = ""
    in_rows: bool = False
    pong: bool = False
    offset_ms: int = 0


def read_rule(written: object, default_name: str) -> FaultRule:
    """Read the JSON of one fault. Raises FaultError saying which word is wrong.

    `wait` is one of {"fixed_ms": 5}, {"low_ms": 5, "high_ms": 9} and {"median_ms": 5,
    "sigma": 0.5}; latency and late need it. The code faults need a `code`; with `in_rows` it
    is the sCode of every order instead of the code of the call.
    """
    if not isinstance(written, Mapping):
        raise FaultError("a fault is a JSON object")
    readers = {name: reader for name, reader in _READERS.items() if name in written}
    unknown = set(written) - set(_READERS)
    if unknown:
        raise FaultError(f"unknown word {min(map(str, unknown))!r}")
    read: dict[str, Any] = {"name": default_name}
    for name, reader in readers.items():
        try:
            read[name] = reader(written[name])
        except (TypeError, ValueError, KeyError) as error:
            raise FaultError(f"{name}: {error}") from error
    if "kind" not in read:
        raise FaultError("kind is missing")
    for needed, kinds in (("wait", _NEED_WAIT), ("code", _NEED_CODE)):
        if read["kind"] in kinds and needed not in read:
            raise FaultError(f"{read['kind']} needs a {needed}")
    return FaultRule(written=dict(written), **read)


def _read_name(written: object) -> str:
    if not isinstance(written, str) or not 0 < len(written) <= NAME_LENGTH_MAX:
        raise ValueError(f"a text of 1 to {NAME_LENGTH_MAX} letters is wanted")
    return written


def _read_kind(written: object) -> Kind:
    if not isinstance(written, str) or written not in set(Kind):
        raise ValueError(f"one of {', '.join(Kind)} is wanted")
    return Kind(written)


def _read_probability(written: object) -> float:
    if not isinstance(written, int | float) or not 0 <= written <= 1:
        raise ValueError("a number from 0 to 1 is wanted")
    return float(written)


def _read_count(written: object) -> int | None:
    if written is None:
        return None
    if not isinstance(written, int) or isinstance(written, bool) or written < 0:
        raise ValueError("a whole number of 0 or more is wanted")
    return written


def _read_code(written: object) -> str:
    if not isinstance(written, str) or not written.isdigit():
        raise ValueError('a code such as "50004" is wanted')
    return written


def _read_flag(written: object) -> bool:
    if not isinstance(written, bool):
        raise TypeError("true or false is wanted")
    return written


def _read_offset(written: object) -> int:
    if not isinstance(written, int) or isinstance(written, bool):
        raise TypeError("whole milliseconds are wanted")
    return written


def _read_match(written: object) -> Match:
    if not isinstance(written, Mapping) or not all(isinstance(v, str) for v in written.values()):
        raise TypeError("an object of texts is wanted")
    return Match(**written)


def _read_wait(written: object) -> Wait:
    if not isinstance(written, Mapping):
        raise TypeError("an object is wanted")
    numbers = {name: float(value) for name, value in written.items()}
    if not all(math.isfinite(value) and value >= 0 for value in numbers.values()):
        raise ValueError("numbers of 0 or more are wanted")
    if "fixed_ms" in numbers:
        fixed_ms = numbers.pop("fixed_ms")
        numbers |= {"low_ms": fixed_ms, "high_ms": fixed_ms}
    return Wait(**numbers)


_READERS: dict[str, Callable[[Any], Any]] = {
    "name": _read_name,
    "kind": _read_kind,
    "probability": _read_probability,
    "count": _read_count,
    "match": _read_match,
    "wait": _read_wait,
    "code": _read_code,
    "in_rows": _read_flag,
    "pong": _read_flag,
    "offset_ms": _read_offset,
}
