"""By how much are the windows of the budget wider than OKX's?

By what is set, or by more where the replicas have learnt together that the way to OKX varies more.
Never by less: what was quick for an hour may be slow the next moment, and once requests are
answered the room that they left is given out again, however wide the windows are.

Replicas do not learn it at the same moment, and each spends from what the others have written. So
each widens by the most that has held of late, and relies on no more than the least that has.
"""

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass

import structlog

from okx_gateway import metric
from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.jitter import JitterEstimate, Way
from okx_gateway.ledger.redis_jitter import RedisJitter

_LOG = structlog.get_logger()
_FRESH_S = 30.0
# Every replica has heard by then, and no spend of before is left.
_HELD_S = 60.0
# What was sent before a clock was set is answered by then: its way was taken by two clocks.
_SETTLING_S = 10.0


@dataclass(frozen=True, slots=True)
class _Heard:
    """What held at `at_s` of our monotonic clock, for the owner of most."""

    at_s: float
    most_ms: int


class LearnJitter:
    """What this replica widens windows by: `set_ms`, or more if it is to `learn`.

    `owners` are those that requests may be sent for; `clocks_set` counts how often OKX's clock or
    the ledger's was seen to be set.
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
        """By how much to widen a window now; `set_ms` at least."""
        return max([self._set_ms, *(each.most_ms for each in self._heard)])

    def least_ms(self) -> int:
        """By how much every replica widens windows at least, now and until what is spent lapses."""
        now_s, heard = time.monotonic(), self._heard
        if not heard or heard[0].at_s > now_s - _HELD_S or heard[-1].at_s < now_s - _FRESH_S:
            return self._set_ms
        return max(self._set_ms, min(each.most_ms for each in heard))

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
        self._heard.append(_Heard(now_s, max(each or 0 for each in told)))
        # Of what is older one is kept: it held until the next was heard.
        while len(self._heard) > 1 and self._heard[1].at_s <= now_s - _HELD_S:
            self._heard.popleft()

    def _own(self, owner: str, now_s: float) -> Way | int | None:
        estimate = self._estimates.get(owner)
        if estimate is None or not estimate.seen(now_s):
            return None
        way = estimate.way(now_s)
        # Others may be set to less, and have to go by this too: we rely on it.
        return self._set_ms if way is None else way.at_least(self._set_ms)
