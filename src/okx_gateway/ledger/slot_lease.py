"""Is this replica one of those that have a floor?

Touches Redis. There are as many slots as replicas may have floors, for all that share one Redis:
they may trade for the same accounts or from the same address. A lease outlives an outage of Redis
of some minutes; by our own clock it ends before anybody else may take its slot.
"""

import asyncio
import secrets
import time
from contextlib import suppress
from typing import Protocol

import structlog

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.ledger_script import LedgerScripts

_LOG = structlog.get_logger()
_LEASE_S = 600.0
_RENEW_S = 60.0
_RETRY_S = 5.0
# Longer than any window that has a floor.
GAP_S = 30.0
# Somebody renews a lease more often than this. Where nobody seems to have, the clock of Redis may
# have leapt, and leases that seem to have ended may be in use.
_SILENCE_S = 120.0
_FLEET = "fleet"


class FloorHolder(Protocol):
    """What tells whether this replica has a floor."""

    def held(self) -> bool:
        """Whether it has, now."""

    async def run(self) -> None:
        """Do what it takes to have one."""

    async def release(self) -> None:
        """Have none from now on."""


class NumberedSlot:
    """A slot that the deployment gives: no other replica has its number."""

    def __init__(self, number: int, *, slots: int) -> None:
        self._is_one = number < slots

    def held(self) -> bool:
        """See FloorHolder."""
        return self._is_one

    async def run(self) -> None:
        """See FloorHolder."""

    async def release(self) -> None:
        """See FloorHolder."""


class SlotLease:
    """One of `slots` among all replicas on one Redis, while `run` goes on."""

    def __init__(self, scripts: LedgerScripts, *, slots: int) -> None:
        self._scripts = scripts
        self._slots = slots
        self._replica = secrets.token_hex(8)
        self._slot = -1
        self._until_s = 0.0

    def held(self) -> bool:
        """See FloorHolder."""
        return time.monotonic() < self._until_s

    async def run(self) -> None:
        """Take a slot and keep it, for ever."""
        while self._slots:
            try:
                await self.renew()
                pause_s = _RENEW_S if self.held() else _RETRY_S
            except LedgerUnavailableError:
                pause_s = _RETRY_S
            await asyncio.sleep(pause_s)

    async def renew(self) -> None:
        """Take a slot, or keep it.

        Raises:
            LedgerUnavailableError: No answer; what is held is held until its lease ends.
        """
        # From before the question: Redis may count the lease from then on.
        asked_s = time.monotonic()
        slot = await self._lease(_LEASE_S)
        if slot < 0:
            if self._slot >= 0:
                _LOG.warning("the slot of this replica is another's; it has no floor")
            self._slot, self._until_s = -1, 0.0
            return
        self._slot, self._until_s = slot, asked_s + _LEASE_S

    async def release(self) -> None:
        """Have none from now on; another replica may soon, if Redis hears of it."""
        held, self._until_s = self.held(), 0.0
        if held:
            with suppress(LedgerUnavailableError):
                await self._lease(0)

    async def _lease(self, lease_s: float) -> int:
        [slot] = await self._scripts.call(
            "lease_slot",
            _FLEET,
            ["epoch", "slots"],
            [
                *(self._replica, self._slot if self.held() else -1, self._slots),
                *(int(each_s * 1e6) for each_s in (lease_s, GAP_S, _LEASE_S, _SILENCE_S)),
            ],
        )
        return int(slot)
