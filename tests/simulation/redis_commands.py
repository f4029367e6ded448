"""What do the commands of Redis do that the ledger's scripts use?

Only these, and of these only the options that are used: anything else fails loudly, so that nothing
is believed to be simulated that is not. Compared with a real server in test_redis_commands.py.
"""

import math
from bisect import bisect_left, insort
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any


class NotSimulatedError(Exception):
    """A script does what the simulated Redis does not know."""


class WrongTypeError(Exception):
    """A key holds another kind of value than the command is for."""


@dataclass(frozen=True, slots=True)
class Status:
    """A status reply, such as OK."""

    text: str


OK = Status("OK")


class SortedSet:
    """Members by score, those of one score by name."""

    __slots__ = ("order", "scores")

    def __init__(self) -> None:
        self.scores: dict[str, float] = {}
        self.order: list[tuple[float, str]] = []

    def copy(self) -> "SortedSet":
        copied = SortedSet()
        copied.scores = dict(self.scores)
        copied.order = list(self.order)
        return copied

    def put(self, member: str, score: float) -> None:
        old = self.scores.get(member)
        if old is not None:
            del self.order[bisect_left(self.order, (old, member))]
        self.scores[member] = score
        insort(self.order, (score, member))

    def drop(self, member: str) -> bool:
        old = self.scores.pop(member, None)
        if old is None:
            return False
        del self.order[bisect_left(self.order, (old, member))]
        return True

    def span(self, low: str, high: str) -> tuple[int, int]:
        """First index and the one past the last of the scores from `low` to `high`."""
        return self._edge(low, past=low.startswith("(")), self._edge(
            high, past=not high.startswith("(")
        )

    def _edge(self, text: str, *, past: bool) -> int:
        score = float(text.removeprefix("("))
        # No name is above this one, and none below the empty one.
        return bisect_left(self.order, (score, "\U0010ffff" if past else ""))


Value = str | dict[str, str] | SortedSet | list[tuple[str, ...]]
_Command = Callable[["RedisData", Sequence[str]], Any]


@dataclass
class RedisData:
    """Keys with their values and expiries; `now_us` is set before every script."""

    now_us: int = 0
    values: dict[str, Value] = field(default_factory=dict)
    expiries_us: dict[str, int] = field(default_factory=dict)
    # What each key was before the script changed it; None is told from a missing key by presence.
    before: dict[str, tuple[Value | None, int | None]] = field(default_factory=dict)
    keeps_before: bool = False

    def call(self, name: str, arguments: Sequence[str]) -> Any:
        command = _COMMANDS.get(name.upper())
        if command is None:
            raise NotSimulatedError(f"the command {name}")
        return command(self, arguments)

    def hash_at(self, key: str) -> dict[str, str] | None:
        value = self.at(key)
        if value is not None and not isinstance(value, dict):
            raise WrongTypeError(key)
        return value

    def sorted_set_at(self, key: str) -> SortedSet | None:
        value = self.at(key)
        if value is not None and not isinstance(value, SortedSet):
            raise WrongTypeError(key)
        return value

    def text_at(self, key: str) -> str | None:
        value = self.at(key)
        if value is not None and not isinstance(value, str):
            raise WrongTypeError(key)
        return value

    def at(self, key: str) -> Value | None:
        expiry_us = self.expiries_us.get(key)
        if expiry_us is not None and expiry_us <= self.now_us:
            self.remove(key)
        return self.values.get(key)

    def change(self, key: str) -> None:
        """Remember what a key was, before it is changed for the first time."""
        if self.keeps_before and key not in self.before:
            value = self.values.get(key)
            copied = value if value is None or isinstance(value, str) else value.copy()
            self.before[key] = (copied, self.expiries_us.get(key))

    def remove(self, key: str) -> bool:
        self.change(key)
        self.expiries_us.pop(key, None)
        return self.values.pop(key, None) is not None


def score_text(score: float) -> str:
    """A score as Redis writes it."""
    if math.isinf(score):
        return "inf" if score > 0 else "-inf"
    return str(int(score)) if score.is_integer() and abs(score) < 1e17 else f"{score:.17g}"


def _number(text: str) -> float:
    return float(text)


def _del(data: RedisData, names: Sequence[str]) -> int:
    return sum(data.at(name) is not None and data.remove(name) for name in names)


def _exists(data: RedisData, names: Sequence[str]) -> int:
    return sum(data.at(name) is not None for name in names)


def _pexpire(data: RedisData, arguments: Sequence[str]) -> int:
    key, milliseconds = arguments
    return _expire_at(data, key, data.now_us + int(milliseconds) * 1000)


def _pexpireat(data: RedisData, arguments: Sequence[str]) -> int:
    key, milliseconds = arguments
    return _expire_at(data, key, int(milliseconds) * 1000)


def _expire_at(data: RedisData, key: str, expiry_us: int) -> int:
    if data.at(key) is None:
        return 0
    data.change(key)
    data.expiries_us[key] = expiry_us
    data.at(key)
    return 1


def _persist(data: RedisData, arguments: Sequence[str]) -> int:
    [key] = arguments
    if data.at(key) is None or key not in data.expiries_us:
        return 0
    data.change(key)
    del data.expiries_us[key]
    return 1


def _pttl(data: RedisData, arguments: Sequence[str]) -> int:
    [key] = arguments
    if data.at(key) is None:
        return -2
    expiry_us = data.expiries_us.get(key)
    # Redis counts in ms: what is left is told as of a whole ms.
    return -1 if expiry_us is None else expiry_us // 1000 - data.now_us // 1000


def _time(data: RedisData, arguments: Sequence[str]) -> list[str]:
    seconds, microseconds = divmod(data.now_us, 1_000_000)
    return [str(seconds), str(microseconds)]


def _get(data: RedisData, arguments: Sequence[str]) -> str | None:
    [key] = arguments
    return data.text_at(key)


def _set(data: RedisData, arguments: Sequence[str]) -> Status | None:
    key, value, *options = arguments
    expiry_us = None
    there = data.at(key) is not None
    words = iter(options)
    for option in words:
        match option.upper():
            case "NX":
                if there:
                    return None
            case "XX":
                if not there:
                    return None
            case "PX":
                expiry_us = data.now_us + int(next(words)) * 1000
            case _:
                raise NotSimulatedError(f"SET with {option}")
    data.change(key)
    data.values[key] = value
    data.expiries_us.pop(key, None)
    if expiry_us is not None:
        data.expiries_us[key] = expiry_us
    return OK


def _incrby(data: RedisData, arguments: Sequence[str]) -> int:
    key, step = arguments
    value = int(data.text_at(key) or 0) + int(step)
    data.change(key)
    data.values[key] = str(value)
    return value


def _incr(data: RedisData, arguments: Sequence[str]) -> int:
    return _incrby(data, [*arguments, "1"])


def _hset(data: RedisData, arguments: Sequence[str]) -> int:
    key, *pairs = arguments
    if not pairs or len(pairs) % 2:
        raise NotSimulatedError("HSET without pairs")
    found = data.hash_at(key)
    data.change(key)
    if found is None:
        found = {}
        data.values[key] = found
    before = len(found)
    found.update(zip(pairs[::2], pairs[1::2], strict=True))
    return len(found) - before


def _hsetnx(data: RedisData, arguments: Sequence[str]) -> int:
    key, name, value = arguments
    found = data.hash_at(key)
    return 0 if found is not None and name in found else _hset(data, [key, name, value])


def _hincrby(data: RedisData, arguments: Sequence[str]) -> int:
    key, name, step = arguments
    value = int((data.hash_at(key) or {}).get(name, "0")) + int(step)
    _hset(data, [key, name, str(value)])
    return value


def _hget(data: RedisData, arguments: Sequence[str]) -> str | None:
    key, name = arguments
    return (data.hash_at(key) or {}).get(name)


def _hmget(data: RedisData, arguments: Sequence[str]) -> list[str | None]:
    key, *names = arguments
    found = data.hash_at(key) or {}
    return [found.get(name) for name in names]


def _hgetall(data: RedisData, arguments: Sequence[str]) -> list[str]:
    [key] = arguments
    found = data.hash_at(key) or {}
    # A hash has no order; the other way round, so that nothing comes to rest on one.
    return [word for name in reversed(found) for word in (name, found[name])]


def _hlen(data: RedisData, arguments: Sequence[str]) -> int:
    [key] = arguments
    return len(data.hash_at(key) or {})


def _hexists(data: RedisData, arguments: Sequence[str]) -> int:
    key, name = arguments
    return int(name in (data.hash_at(key) or {}))


def _hdel(data: RedisData, arguments: Sequence[str]) -> int:
    key, *names = arguments
    found = data.hash_at(key)
    if found is None:
        return 0
    data.change(key)
    gone = sum(found.pop(name, None) is not None for name in names)
    if not found:
        data.remove(key)
    return gone


def _zadd(data: RedisData, arguments: Sequence[str]) -> int:
    key, *rest = arguments
    options = set()
    while rest and rest[0].upper() in {"NX", "XX", "GT", "LT", "CH"}:
        options.add(rest.pop(0).upper())
    if options - {"NX", "XX", "GT"} or not rest or len(rest) % 2:
        raise NotSimulatedError(f"ZADD {arguments}")
    found = data.sorted_set_at(key)
    data.change(key)
    if found is None:
        found = SortedSet()
    added = 0
    for text, member in zip(rest[::2], rest[1::2], strict=True):
        score, old = _number(text), found.scores.get(member)
        if (old is None and "XX" in options) or (old is not None and "NX" in options):
            continue
        if old is not None and "GT" in options and score <= old:
            continue
        added += old is None
        found.put(member, score)
    if found.scores:
        data.values[key] = found
    return added


def _zrem(data: RedisData, arguments: Sequence[str]) -> int:
    key, *members = arguments
    found = data.sorted_set_at(key)
    if found is None:
        return 0
    data.change(key)
    gone = sum(found.drop(member) for member in members)
    if not found.scores:
        data.remove(key)
    return gone


def _zcard(data: RedisData, arguments: Sequence[str]) -> int:
    [key] = arguments
    found = data.sorted_set_at(key)
    return len(found.scores) if found else 0


def _zcount(data: RedisData, arguments: Sequence[str]) -> int:
    key, low, high = arguments
    found = data.sorted_set_at(key)
    if found is None:
        return 0
    first, past = found.span(low, high)
    return max(0, past - first)


def _zscore(data: RedisData, arguments: Sequence[str]) -> str | None:
    key, member = arguments
    found = data.sorted_set_at(key)
    score = found.scores.get(member) if found else None
    return None if score is None else score_text(score)


def _zremrangebyscore(data: RedisData, arguments: Sequence[str]) -> int:
    key, low, high = arguments
    found = data.sorted_set_at(key)
    if found is None:
        return 0
    first, past = found.span(low, high)
    return _zrem(data, [key, *(member for _, member in found.order[first:past])])


def _zrange(data: RedisData, arguments: Sequence[str]) -> list[str]:
    key, low, high, *options = arguments
    words = [option.upper() for option in options]
    by_score, reverse = "BYSCORE" in words, "REV" in words
    limit = _limit(words)
    if set(words) - {"BYSCORE", "REV", "WITHSCORES", "LIMIT", *limit}:
        raise NotSimulatedError(f"ZRANGE {arguments}")
    found = data.sorted_set_at(key)
    if found is None:
        return []
    if by_score:
        first, past = found.span(high, low) if reverse else found.span(low, high)
        chosen = found.order[first:past]
        chosen = chosen[::-1] if reverse else chosen
    else:
        order = found.order[::-1] if reverse else found.order
        chosen = _by_rank(order, int(low), int(high))
    if limit:
        offset, count = int(limit[0]), int(limit[1])
        chosen = chosen[offset : offset + count] if count >= 0 else chosen[offset:]
    if "WITHSCORES" not in words:
        return [member for _, member in chosen]
    return [word for score, member in chosen for word in (member, score_text(score))]


def _limit(words: Sequence[str]) -> Sequence[str]:
    if "LIMIT" not in words:
        return ()
    at = words.index("LIMIT")
    return words[at + 1 : at + 3]


def _by_rank(order: list[tuple[float, str]], low: int, high: int) -> list[tuple[float, str]]:
    first = low if low >= 0 else max(0, len(order) + low)
    past = (high if high >= 0 else len(order) + high) + 1
    return order[first : max(first, past)]


def _zrangebyscore(data: RedisData, arguments: Sequence[str]) -> list[str]:
    key, low, high, *options = arguments
    return _zrange(data, [key, low, high, "BYSCORE", *options])


def _zremrangebyrank(data: RedisData, arguments: Sequence[str]) -> int:
    key, low, high = arguments
    return _zrem(data, [key, *_zrange(data, [key, low, high])])


def _xadd(data: RedisData, arguments: Sequence[str]) -> str:
    key, *rest = arguments
    if rest and rest[0].upper() == "MAXLEN":
        rest = rest[3:] if rest[1] in ("~", "=") else rest[2:]
    if not rest or rest[0] != "*" or len(rest) % 2 == 0 or len(rest) < 3:
        raise NotSimulatedError(f"XADD {arguments}")
    found = data.at(key)
    if found is not None and not isinstance(found, list):
        raise WrongTypeError(key)
    data.change(key)
    if found is None:
        found = []
        data.values[key] = found
    found.append(tuple(rest[1:]))
    return f"{data.now_us // 1000}-{len(found)}"


_COMMANDS: dict[str, _Command] = {
    "DEL": _del,
    "UNLINK": _del,
    "EXISTS": _exists,
    "PEXPIRE": _pexpire,
    "PEXPIREAT": _pexpireat,
    "PERSIST": _persist,
    "PTTL": _pttl,
    "TIME": _time,
    "GET": _get,
    "SET": _set,
    "INCR": _incr,
    "INCRBY": _incrby,
    "HSET": _hset,
    "HSETNX": _hsetnx,
    "HINCRBY": _hincrby,
    "HGET": _hget,
    "HMGET": _hmget,
    "HGETALL": _hgetall,
    "HLEN": _hlen,
    "HEXISTS": _hexists,
    "HDEL": _hdel,
    "ZADD": _zadd,
    "ZREM": _zrem,
    "ZCARD": _zcard,
    "ZCOUNT": _zcount,
    "ZSCORE": _zscore,
    "ZRANGE": _zrange,
    "ZRANGEBYSCORE": _zrangebyscore,
    "ZREMRANGEBYSCORE": _zremrangebyscore,
    "ZREMRANGEBYRANK": _zremrangebyrank,
    "XADD": _xadd,
}
