"""What if OKX says that a limit was exceeded, against our record of it?

It must not happen. If it does, the record is wrong: the window counts as full for its width, and
somebody is told.
"""

from okx_gateway import metric
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.usecases.alarms import Alarm, Alarms
from okx_gateway.usecases.supervisor import Supervisor

_ALARM_S = 600.0
_SUB_ACCOUNT_CODE = "50061"


class Throttling:
    """Freezes windows that OKX says are full."""

    def __init__(self, budget: RedisBudget, supervisor: Supervisor, alarms: Alarms) -> None:
        self._alarms = alarms
        self._budget = budget
        self._supervisor = supervisor

    def seen(self, owner: str, route: Route, code: str) -> None:
        """OKX answered `code`, one of `code.THROTTLED`, to a request that spent from `route`."""
        charge = route[-1] if code == _SUB_ACCOUNT_CODE else route[0]
        metric.throttled(charge.name)
        self._alarms.sound(Alarm.THROTTLED, for_s=_ALARM_S, window=charge.name, code=code)
        self._supervisor.follow_up(self._budget.freeze(owner, charge))
