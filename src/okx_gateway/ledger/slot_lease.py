"""Is this replica one of those that have a floor?

Touches Redis. There are as many slots as replicas may have floors. A lease outlives an outage of
Redis of some minutes; by our own clock it ends before anybody else may take its slot.
"""

import asyncio
import secrets
import time
from typing import Protocol

import structlog

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.ledger_script import LedgerScripts

_LOG = structlog.get_logger()
_LEASE_S = 600.0
_RENEW_S = 60.0
_RETRY_S = 5.0
# Longer than any window that has a floor.
_GAP_S = 30.0


class FloorHolder(Protocol):
    """What tells whether this replica has a floor."""

    def held(self) -> bool:
        """Whether it has, now."""


class OwnSlot:
    """A slot that the deployment gives: no other replica has its number."""

    def held(self) -> bool:
        """See FloorHolder."""
        return True


class SlotLease:
    """One of `slots` among the replicas of `fleet`, while `run` goes on."""

    def __init__(self, scripts: LedgerScripts, fleet: str, *, slots: int) -> None:
        self._scripts = scripts
        self._owner = f"fleet:{fleet}"
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
        [slot] = await self._scripts.call(
            "lease_slot",
            self._owner,
            ["epoch", "slots"],
            [
                *(self._replica, self._slot if self.held() else -1, self._slots),
                *(int(_LEASE_S * 1e6), int(_GAP_S * 1e6)),
            ],
        )
        if int(slot) < 0:
            if self._slot >= 0:
                _LOG.warning("the slot of this replica is another's; it has no floor")
            self._slot, self._until_s = -1, 0.0
            return
        self._slot, self._until_s = int(slot), asked_s + _LEASE_S
