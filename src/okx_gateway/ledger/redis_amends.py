"""Which order is being amended?

Touches Redis. Two amends of one order that are under way could take effect in either order, so
there is one at a time, over all replicas, until it is answered, or can take no effect any more and
who sent it has had the time to look.
"""

from dataclasses import dataclass

from okx_gateway.domain.errors import DeadlineTooShortError
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.ledger_script import (
    LedgerScripts,
    log_arguments,
    log_keys,
    new_fence,
)
from okx_gateway.ledger.redis_ledger import AUDIT_LENGTH, refusal

# After an amend can take no effect any more: for looking what it has come to.
_LOOK_MS = 15_000
# Who looks has mostly seen it by then.
_LOOKED_MS = 1_000


@dataclass(frozen=True, slots=True)
class AmendGranted:
    """An amend may be sent from `slot_s` to `until_s`; OKX drops it after `expiry_ms`."""

    slot_s: float
    until_s: float
    wait_s: float
    expiry_ms: int
    fence: str


@dataclass(frozen=True, slots=True)
class AmendBusy:
    """Another amend of the order is under way, and mostly over after `retry_after_ms`."""

    retry_after_ms: int


class RedisAmends:
    """Lets amends in, one of an order at a time."""

    def __init__(self, scripts: LedgerScripts, settings: LedgerSettings) -> None:
        self._scripts = scripts
        self._settings = settings

    async def begin(
        self,
        owner: str,
        exchange_order_id: str,
        *,
        caller: str,
        charges: Route,
        exchange_ms: int,
        remaining_ms: int,
        given_up: str = "",
        counted: bool = False,
    ) -> AmendGranted | AmendBusy:
        """Let one amend of an order in, with its slot.

        `given_up` is the fence of an earlier grant for it under which OKX did nothing, and
        `counted` says that it has counted a request under that all the same.

        Raises:
            DeadlineTooShortError, BudgetExhaustedError: Nothing could be sent in time.
            LedgerUnavailableError: No answer; nothing may be sent.
        """
        settings = self._settings
        if remaining_ms < settings.least_validity_ms:
            raise DeadlineTooShortError(remaining_ms, settings.least_validity_ms)
        fence = new_fence()
        answer = await self._scripts.call_by_clock(
            "begin_amend",
            owner,
            ["epoch", f"amend:{exchange_order_id}", "audit", "tally", *log_keys([charges])],
            [
                *(caller, exchange_order_id, exchange_ms, settings.validity_ms, remaining_ms),
                *(settings.least_validity_ms, settings.margin_ms + _LOOK_MS, AUDIT_LENGTH),
                *(int(settings.shadow), settings.silence_us, given_up, int(counted)),
                *log_arguments([charges]),
            ],
            nonce=fence,
            durable=True,
        )
        match answer:
            case ["busy", left_ms]:
                return AmendBusy(_retry_after_ms(int(left_ms)))
            case ["silent", left_ms]:
                return AmendBusy(int(left_ms))
            case ["granted", wait_us, expiry_ms, now_us]:
                slot_s, until_s = self._scripts.slot_s(owner, int(now_us), int(wait_us))
                return AmendGranted(slot_s, until_s, int(wait_us) / 1e6, int(expiry_ms), fence)
        raise refusal(answer)

    async def end(self, owner: str, exchange_order_id: str, fence: str) -> bool:
        """Let the next amend in; whether none was let in before.

        Raises:
            LedgerUnavailableError: No answer; the next one has to wait for this one's expiry.
        """
        key = f"amend:{exchange_order_id}"
        [held] = await self._scripts.call("end_amend", owner, [key], [fence])
        return bool(held)


def _retry_after_ms(left_ms: int) -> int:
    return min(left_ms, max(0, left_ms - _LOOK_MS) + _LOOKED_MS)
