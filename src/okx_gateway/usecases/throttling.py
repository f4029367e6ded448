"""What if OKX says that a limit was exceeded, against our record of it?

It must not happen. If it does, the record is wrong: the window counts as full for its width, and
somebody is told.
"""

import structlog

from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.usecases.supervisor import Supervisor

_LOG = structlog.get_logger()
_SUB_ACCOUNT_CODE = "50061"


class Throttling:
    """Freezes windows that OKX says are full."""

    def __init__(self, budget: RedisBudget, supervisor: Supervisor) -> None:
        self._budget = budget
        self._supervisor = supervisor

    def seen(self, owner: str, route: Route, code: str) -> None:
        """OKX answered `code`, one of `code.THROTTLED`, to a request that spent from `route`."""
        charge = route[-1] if code == _SUB_ACCOUNT_CODE else route[0]
        _LOG.error("OKX throttles; the window is frozen", window=charge.name, code=code)
        self._supervisor.follow_up(self._budget.freeze(owner, charge))
