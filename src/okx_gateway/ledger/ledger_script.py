"""How is a ledger's script called for one owner?

Joins the names of keys with what every script needs: which epoch it is in, and whether its clock
can be believed. All keys of one OKX user carry one hash tag, so that a cluster keeps them together.
"""

import secrets
import time
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

import structlog

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.charge import Charge, Part, Route
from okx_gateway.ledger.redis_clock import RedisClock
from okx_gateway.ledger.redis_script import RedisScripts

_LOG = structlog.get_logger()
_PREFIX = "okxgw:"
_OWNERS_MAX = 1_000
# A slot is good for this long: how late a request leaves adds to how long it may take to OKX.
SLOT_GOOD_S = 0.05

# Answers that end with the ledger's time.
_BY_THE_CLOCK = ("granted", "taken")

_TIMED = ("clock",)
_SPENDING = ("clock", "window")
_PRELUDES: dict[str, tuple[str, ...]] = {
    "admit_order": _SPENDING,
    "begin_amend": _SPENDING,
    "spend": _SPENDING,
    "distrust": _TIMED,
    "lease_slot": _TIMED,
    "read_budget": _TIMED,
    "read_epoch": _TIMED,
    "read_order": _TIMED,
    "take_open": _TIMED,
    "adopt_order": (),
    "end_amend": (),
    "end_cancel": (),
    "keep_cancel": (),
    "settle_order": (),
    "share_jitter": (),
}


class LedgerScripts:
    """The scripts of this folder; `new` tells that no ledger was ever kept in this Redis."""

    def __init__(self, scripts: RedisScripts, *, new: bool) -> None:
        self._scripts = scripts
        self._new = new
        self._clocks: dict[str, RedisClock] = {}
        # How often a clock of Redis was seen to be set.
        self.clocks_set = 0
        for name, preludes in _PRELUDES.items():
            scripts.load(name, preludes)

    @staticmethod
    def key(owner: str, name: str) -> str:
        """The key `name` of an owner."""
        return f"{_PREFIX}{{{owner}}}:{name}"

    async def call(
        self,
        name: str,
        owner: str,
        keys: Sequence[str],
        arguments: Sequence[str | int],
        *,
        nonce: str | None = None,
        durable: bool = False,
    ) -> list[Any]:
        """Run a script on keys of `owner`, named without what they share.

        Raises:
            LedgerUnavailableError: There is no answer that can be used.
        """
        full = [self.key(owner, key) for key in keys]
        if _PRELUDES[name]:
            arguments = [int(self._new and owner not in self._clocks), *arguments]
        return await self._scripts.call(name, full, arguments, nonce=nonce, durable=durable)

    async def call_by_clock(
        self,
        name: str,
        owner: str,
        keys: Sequence[str],
        arguments: Sequence[str | int],
        *,
        nonce: str | None = None,
        durable: bool = False,
    ) -> list[Any]:
        """As `call`, for an answer that ends with the ledger's time in us, which is checked.

        Raises:
            LedgerUnavailableError: Also where that clock has stepped, so that windows were judged
                wrongly: they count as full from now on.
        """
        sent_s, asked_by = time.monotonic(), self._clocks.get(owner)
        answer = await self.call(name, owner, keys, arguments, nonce=nonce, durable=durable)
        if answer[0] not in _BY_THE_CLOCK:
            return answer
        clock = self._clocks.get(owner)
        if asked_by is not None and clock is not asked_by:
            # Granted before the step was told of, perhaps by windows that it had emptied.
            raise LedgerUnavailableError("its clock has stepped")
        if clock is None:
            if len(self._clocks) >= _OWNERS_MAX:
                self._clocks.clear()
            clock = self._clocks[owner] = RedisClock()
        if clock.agrees(now_us=int(answer[-1]), sent_s=sent_s, received_s=time.monotonic()):
            return answer
        _LOG.error("the clock of Redis has stepped; windows count as full", owner=owner)
        sent_s = time.monotonic()
        [now_us] = await self.call("distrust", owner, ["epoch"], ["", 0])
        # Only now: a step that Redis was not told of has to be seen again. The next one, too.
        clock = self._clocks[owner] = RedisClock()
        clock.agrees(now_us=int(now_us), sent_s=sent_s, received_s=time.monotonic())
        self.clocks_set += 1
        raise LedgerUnavailableError("its clock has stepped")

    def latest_us(self, owner: str, monotonic_s: float) -> int | None:
        """What the ledger's clock showed at most at a time of ours; None where it is not known."""
        clock = self._clocks.get(owner)
        return clock.latest_us(monotonic_s) if clock is not None and clock.known else None

    def slot_s(self, owner: str, now_us: int, wait_us: int) -> tuple[float, float]:
        """From when to when, by our monotonic clock, a slot may be used.

        It lies `wait_us` after `now_us` of the ledger's clock, which `call_by_clock` has just told.
        """
        earliest_s, latest_s = self._clocks[owner].bounds_s(now_us)
        return latest_s + wait_us / 1e6, earliest_s + wait_us / 1e6 + SLOT_GOOD_S

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._scripts.close()


def new_fence() -> str:
    """A name for a grant that no other has."""
    return secrets.token_hex(8)


def log_keys(routes: Iterable[Route]) -> Iterator[str]:
    """The keys of the logs of routes, in the order in which window.lua reads them."""
    for route in routes:
        for charge in route:
            yield f"window:{charge.name}"
            if charge.share is not None:
                yield f"window:{charge.name}#{charge.share.caller}"
            if charge.cap is not None:
                yield f"window:{charge.name}~{charge.cap.caller}"


def log_arguments(routes: Iterable[Route]) -> Iterator[int]:
    """The arguments of routes, in the order in which window.lua reads them."""
    for route in routes:
        yield len(route)
        for charge in route:
            yield from _charge_arguments(charge)


def _charge_arguments(charge: Charge) -> tuple[int, ...]:
    share: Part | None = charge.share
    return (
        charge.pool,
        charge.width_us,
        charge.cost,
        0 if share is None else share.capacity,
        -1 if charge.cap is None else charge.cap.capacity,
    )
