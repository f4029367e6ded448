"""What may still be sent?

Touches Redis, whose clock alone decides. What places or amends an order is spent by `redis_ledger`,
in the step that puts it on record; everything else here.
"""

from dataclasses import dataclass

from okx_gateway.domain.errors import BudgetExhaustedError, LedgerUnavailableError
from okx_gateway.ledger.budget_view import OwnerBudget, budget_from
from okx_gateway.ledger.charge import Charge, Route
from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.ledger_script import (
    LedgerScripts,
    log_arguments,
    log_keys,
    new_fence,
)


@dataclass(frozen=True, slots=True)
class Slot:
    """A request may be sent from `at_s` to `until_s` of our monotonic clock, `wait_s` ahead."""

    at_s: float
    until_s: float
    wait_s: float
    nonce: str


class RedisBudget:
    """The windows of all replicas."""

    def __init__(self, scripts: LedgerScripts, settings: LedgerSettings) -> None:
        self._scripts = scripts
        self._shadow = settings.shadow
        self._silence_us = settings.silence_us

    async def spend(
        self, owner: str, route: Route, *, caller: str, wait_s: float, given_up: str = ""
    ) -> Slot:
        """Take a slot for a request that can wait for `wait_s`.

        `given_up` is the nonce of a slot of the same caller and route that was not used.

        Raises:
            BudgetExhaustedError: No room in time; nothing was spent.
            LedgerUnavailableError: No answer; it may be spent.
        """
        nonce = new_fence()
        answer = await self._scripts.call_by_clock(
            "spend",
            owner,
            ["epoch", "tally", *log_keys([route])],
            [caller, int(wait_s * 1e6), int(self._shadow), given_up, *log_arguments([route])],
            nonce=nonce,
            durable=True,
        )
        match answer:
            case ["granted", wait_us, now_us]:
                at_s, until_s = self._scripts.slot_s(owner, int(now_us), int(wait_us))
                return Slot(at_s, until_s, int(wait_us) / 1e6, nonce)
            case ["denied", str(window), wait_us]:
                raise BudgetExhaustedError(window, -(-int(wait_us) // 1000))
        raise LedgerUnavailableError("an answer of unknown shape")

    async def view(self, owner: str) -> OwnerBudget:
        """Look at all windows of an owner.

        Raises:
            LedgerUnavailableError: No answer.
        """
        answer = await self._scripts.call(
            "read_budget", owner, ["epoch", "tally"], [self._scripts.key(owner, "window:")]
        )
        return budget_from(answer, self._silence_us)

    async def freeze(self, owner: str, charge: Charge) -> None:
        """Count a window as full: OKX has said so, against our record of it.

        Raises:
            LedgerUnavailableError: No answer; it may still be spent from.
        """
        await self._scripts.call("distrust", owner, ["epoch"], [charge.name, charge.width_us])
