"""By how much are the windows of the budget wider than OKX's?

By what the replicas have learnt together of the way to OKX; before that, and whenever what they
have learnt may be old, by at least what is set.

They do not learn it at the same moment, and each spends from what the others have written. So each
widens by the most that has held of late, and relies on no more than the least that has.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from okx_gateway import metric
from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.jitter import JITTER_MS_LEAST, JitterEstimate, Way
from okx_gateway.ledger.redis_jitter import RedisJitter

_LOG = structlog.get_logger()
_FRESH_S = 30.0
# Every replica has heard by then, and no spend of before is left.
_HELD_S = 60.0
# What was sent before a clock was set is answered by then: its way was taken by two clocks.
_SETTLING_S = 10.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What held at `at_s` of our monotonic clock, for the owners of least and of most."""

    at_s: float
    least_ms: int
    most_ms: int


class LearnJitter:
    """What this replica widens windows by.

    Without `learn` that is `set_ms`. `owners` are those that requests may be sent for; `clocks_set`
    counts how often OKX's clock or the ledger's was seen to be set.
    """

    def __init__(
        self,
        redis: RedisJitter,
        *,
        set_ms: int,
        learn: bool,
        owners: Callable[[], Iterable[str]],
        clocks_set: Callable[[], int],
    ) -> None:
        self._redis = redis
        self._set_ms = set_ms
        self._learn = learn
        self._owners = owners
        self._clocks_set = clocks_set
        self._seen_set = 0
        self._settled_s = 0.0
        self._estimates: dict[str, JitterEstimate] = {}
        self._heard: deque[_Heard] = deque()

    @property
    def shared(self) -> bool:
        """Whether what the others have learnt was ever heard, or need not be."""
        return bool(self._heard) or not self._learn

    def jitter_ms(self) -> int:
        """By how much to widen a window now."""
        if not self._heard:
            return self._set_ms
        most_ms = max(each.most_ms for each in self._heard)
        if time.monotonic() - self._heard[-1].at_s > _FRESH_S:
            return max(most_ms, self._set_ms)
        return most_ms

    def least_ms(self) -> int:
        """By how much every replica widens windows at least, now and until what is spent lapses."""
        if not self._learn:
            return self._set_ms
        now_s = time.monotonic()
        heard = self._heard
        if not heard or heard[0].at_s > now_s - _HELD_S or heard[-1].at_s < now_s - _FRESH_S:
            return min(self._set_ms, JITTER_MS_LEAST)
        return min(each.least_ms for each in heard)

    def arrived(self, owner: str, *, slot_us: int, receive_us: int) -> None:
        """Take when OKX had an order of `owner`, and when its slot began, each by its clock."""
        now_s = time.monotonic()
        clocks_set = self._clocks_set()
        if clocks_set != self._seen_set:
            self._seen_set = clocks_set
            self._settled_s = now_s + _SETTLING_S
            for estimate in self._estimates.values():
                estimate.restart()
        if self._learn and now_s >= self._settled_s:
            estimate = self._estimates.setdefault(owner, JitterEstimate())
            estimate.observe(receive_us - slot_us, now_s)

    async def share(self) -> None:
        """Tell the other replicas, and hear what all have learnt; to be called now and then."""
        if self._learn:
            await self._share()
        metric.jitter(set_s=self._set_ms / 1000, in_force_s=self.jitter_ms() / 1000)

    async def _share(self) -> None:
        now_s, owners = time.monotonic(), set(self._owners())
        try:
            told = await asyncio.gather(
                *(self._redis.share(owner, self._own(owner, now_s)) for owner in owners)
            )
        except LedgerUnavailableError as error:
            _LOG.warning("what was learnt of the way to OKX is not shared", error=str(error))
            return
        if not owners:
            return
        known_ms = [each for each in told if each is not None] or [self._set_ms]
        self._heard.append(_Heard(now_s, min(known_ms), max(known_ms)))
        # Of what is older one is kept: it held until the next was heard.
        while len(self._heard) > 1 and self._heard[1].at_s <= now_s - _HELD_S:
            self._heard.popleft()

    def _own(self, owner: str, now_s: float) -> Way | int | None:
        estimate = self._estimates.get(owner)
        if estimate is None or not estimate.seen(now_s):
            return None
        return estimate.way(now_s) or self._set_ms
