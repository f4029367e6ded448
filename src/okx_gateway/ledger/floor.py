"""What may a replica send without asking Redis?

A small part of every window is set aside for each replica that may exist, and counted in its
memory: cancels, look-ups and reads pass while Redis is away, and no split of the network can make
the parts add up to more than the whole. Reads the monotonic clock.
"""

import time
from collections import deque
from collections.abc import Callable

from okx_gateway.ledger.charge import Charge

# Instruments times kinds of request; one more than this has no floor.
_LOGS_MAX = 10_000


class Floor:
    """The floor of this replica, while `held` says that no other replica uses the same one."""

    def __init__(self, held: Callable[[], bool]) -> None:
        self._held = held
        self._logs: dict[tuple[str, str], deque[float]] = {}
        # An earlier process of the same number may have spent it whole just before.
        self._began_s = time.monotonic()

    def take(self, owner: str, charge: Charge) -> bool:
        """Spend `charge` from the floor of its window, if that has room now."""
        now_s = time.monotonic()
        width_s = charge.width_us / 1e6
        if not charge.floor or not self._held() or now_s < self._began_s + width_s:
            return False
        key = (owner, charge.name)
        log = self._logs.get(key)
        if log is None:
            if len(self._logs) >= _LOGS_MAX:
                return False
            log = self._logs[key] = deque()
        while log and log[0] <= now_s - width_s:
            log.popleft()
        if len(log) + charge.cost > charge.floor:
            return False
        log.extend([now_s] * charge.cost)
        return True
