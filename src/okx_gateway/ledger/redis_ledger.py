"""What has been sent?

Touches Redis. One script decides of an order whether its id is known and whether there is room for
it, and puts it on record as being sent, all or nothing.
"""

import math
from collections.abc import Sequence
from typing import Any

import structlog

from okx_gateway.domain.errors import (
    BudgetExhaustedError,
    DeadlineTooShortError,
    LedgerRecoveringError,
    LedgerUnavailableError,
)
from okx_gateway.domain.order import NewOrder, Outcome
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.grant import (
    Arrival,
    Granted,
    Known,
    LedgerSettings,
    LookFirst,
    OpenRows,
    Settlement,
)
from okx_gateway.ledger.ledger_script import (
    LedgerScripts,
    log_arguments,
    log_keys,
    new_fence,
)
from okx_gateway.ledger.order_record import (
    Intent,
    OrderRecord,
    Seal,
    cancel_parts,
    order_text,
    record_from,
    sealed_outcome,
)

_LOG = structlog.get_logger()
AUDIT_LENGTH = 100_000
# How long after its expiry others may take a row over; its holder has OKX's answer by then.
_TAKE_OVER_US = 500_000


class RedisLedger:
    """The journal of all replicas."""

    def __init__(self, scripts: LedgerScripts, settings: LedgerSettings, seal: Seal) -> None:
        self._scripts = scripts
        self._settings = settings
        self._seal = seal
        self._silence_us = settings.silence_us

    async def admit(  # noqa: PLR0913  # all that one atomic step decides on
        self,
        order: NewOrder,
        *,
        owner: str,
        caller: str,
        routes: Sequence[Route],
        exchange_ms: int,
        remaining_ms: int,
        fence: str,
        given_up: str = "",
        counted: bool = False,
        alone: bool = False,
        looked: bool = False,
    ) -> Known | LookFirst | Granted:
        """Put `order` on record and give it a slot, unless its id is known.

        `owner` is the OKX user that the limits count for, `exchange_ms` the least that OKX's clock
        may show, `given_up` the fence of an earlier grant under which OKX did nothing, `counted`
        whether it has counted a request under that all the same, `alone` whether the order has to
        go by the first route, `looked` whether OKX was asked for the id.

        Raises:
            DeadlineTooShortError: Nothing could be sent in time; nothing is on record or spent.
            BudgetExhaustedError: No room before the deadline; nothing is on record or spent.
            LedgerRecoveringError: Rows may have been lost; nothing is on record or spent.
            LedgerUnavailableError: No answer: nothing may be sent, and `fence` may be on record.
        """
        settings = self._settings
        if remaining_ms < settings.least_validity_ms:
            raise DeadlineTooShortError(remaining_ms, settings.least_validity_ms)
        text = order_text(order)
        intent = Intent(owner, caller, order, text, fence, exchange_ms, remaining_ms)
        answer = await self._scripts.call_by_clock(
            "admit_order",
            owner,
            [
                "epoch",
                f"order:{order.client_order_id}",
                "open",
                "audit",
                "tally",
                *log_keys(routes),
            ],
            [
                *(caller, order.client_order_id, text, self._seal.tag(*intent.parts())),
                *(exchange_ms, settings.validity_ms, remaining_ms, settings.least_validity_ms),
                *(settings.retention_ms, AUDIT_LENGTH, given_up, self._silence_us),
                *(settings.look_first_ms * 1000, int(looked), _TAKE_OVER_US, int(settings.shadow)),
                *(int(alone), int(counted)),
                *log_arguments(routes),
            ],
            nonce=fence,
            durable=True,
        )
        match answer:
            case ["known", list(row)]:
                return Known(self._record(owner, order.client_order_id, row))
            case ["granted", wait_us, expiry_ms, route, now_us]:
                slot_s, until_s = self._scripts.slot_s(owner, int(now_us), int(wait_us))
                return Granted(
                    slot_s,
                    until_s,
                    wait_s=int(wait_us) / 1e6,
                    expiry_ms=int(expiry_ms),
                    route=int(route),
                    fence=fence,
                    slot_us=int(now_us) + int(wait_us),
                )
            case ["look_first"]:
                return LookFirst()
        raise refusal(answer)

    async def settle(
        self,
        owner: str,
        client_order_id: str,
        fence: str,
        outcome: Outcome,
        *,
        arrival: Arrival | None = None,
    ) -> Settlement:
        """Put the final outcome of a grant on record; where there is one already it stands.

        Raises:
            LedgerUnavailableError: No answer; the outcome may or may not be on record.
        """
        fields = sealed_outcome(self._seal, owner, client_order_id, fence, outcome)
        answer = await self._settle(owner, client_order_id, fence, fields, arrival)
        match answer:
            case ["settled", cancel]:
                return Settlement(outcome, cancel_wanted=cancel == "1")
            case ["kept", []]:
                return Settlement(outcome, on_record=False, lost=True)
            case ["kept", list(row)]:
                standing = self._record(owner, client_order_id, row)
                if standing.fence != fence or standing.outcome is None:
                    return Settlement(outcome, on_record=False)  # of another grant
                return Settlement(standing.outcome)
        raise refusal(answer)

    async def settle_unsent(self, owner: str, client_order_id: str, fence: str) -> None:
        """Forget a grant under which provably nothing was sent; the id may be used again.

        Raises:
            LedgerUnavailableError: No answer; the row may still be there.
        """
        await self._settle(owner, client_order_id, fence, ["unsent"])

    async def adopt(
        self, order: NewOrder, *, owner: str, caller: str, sent_ms: int, outcome: Outcome
    ) -> OrderRecord:
        """Put an order on record that OKX has and the journal lost; the row that then stands.

        Raises:
            LedgerUnavailableError: No answer; it may or may not be on record.
        """
        text, fence = order_text(order), new_fence()
        intent = Intent(owner, caller, order, text, fence, sent_ms, 0)
        state, *pairs = sealed_outcome(self._seal, owner, order.client_order_id, fence, outcome)
        row: list[str | int] = [
            *("state", state, "caller", caller, "order", text, "nonce", fence),
            *("seal", self._seal.tag(*intent.parts())),
            *("sent_ms", sent_ms, "expiry_ms", sent_ms, "remaining_ms", 0),
            *pairs,
        ]
        [standing] = await self._scripts.call(
            "adopt_order",
            owner,
            [f"order:{order.client_order_id}", "audit"],
            [order.client_order_id, AUDIT_LENGTH, self._settings.retention_ms, *row],
        )
        return self._record(owner, order.client_order_id, standing)

    async def read(
        self, owner: str, client_order_id: str, *, hold_s: float = 0
    ) -> OrderRecord | None:
        """Read an order's row; None where the id was never used.

        A row without an outcome is left to who asks for `hold_s`: nobody else takes it over.

        Raises:
            LedgerRecoveringError: There is none, but it may be lost, and OKX may not show it yet.
            LedgerUnavailableError: No answer.
        """
        answer = await self._scripts.call(
            "read_order",
            owner,
            ["epoch", f"order:{client_order_id}", "open"],
            [client_order_id, int(hold_s * 1e6), self._silence_us],
        )
        match answer:
            case [list(row)]:
                return self._record(owner, client_order_id, row) if row else None
        raise refusal(answer)

    async def silence_left_s(self, owner: str) -> float:
        """For how long no order is admitted because an epoch has begun; 0 where they are.

        Raises:
            LedgerUnavailableError: No answer.
        """
        age_us = await self._epoch_age_us(owner)
        return max(0.0, (self._silence_us - age_us) / 1e6)

    async def may_lack_rows(self, owner: str) -> bool:
        """Whether an epoch began so short a time ago that orders of before it are still asked for.

        Raises:
            LedgerUnavailableError: No answer.
        """
        return await self._epoch_age_us(owner) < self._settings.look_first_ms * 1000

    async def kept_ms(self, owner: str) -> float:
        """For how many ms nothing on record can have been lost; infinite if it never can have been.

        Raises:
            LedgerUnavailableError: No answer.
        """
        return await self._epoch_age_us(owner) / 1000

    async def _epoch_age_us(self, owner: str) -> float:
        since, now = await self._scripts.call("read_epoch", owner, ["epoch"], [])
        return math.inf if since == "0" else int(now) - int(since)

    async def take_open(self, owner: str, *, lease_s: float, rows_max: int) -> OpenRows:
        """Take over rows whose holders have left them, each for `lease_s`.

        Raises:
            LedgerUnavailableError: No answer; some may be taken.
        """
        answer = await self._scripts.call_by_clock(
            "take_open",
            owner,
            ["epoch", "open"],
            [self._scripts.key(owner, "order:"), int(lease_s * 1e6), rows_max],
        )
        _, since_us, open_count, late_us, taken, _ = answer
        records = []
        for client_order_id, row in taken:
            try:
                records.append(self._record(owner, client_order_id, row))
            except LedgerUnavailableError as error:
                _LOG.error("a row that nobody may act on", id=client_order_id, error=str(error))
        return OpenRows(int(since_us), tuple(records), int(open_count), int(late_us) / 1e6)

    async def keep_cancel(self, owner: str, client_order_id: str, fence: str) -> bool:
        """Keep a cancel until the order is found; whether the row still waits for that.

        Raises:
            LedgerUnavailableError: No answer; it may or may not be kept.
        """
        answer = await self._scripts.call(
            "keep_cancel",
            owner,
            [f"order:{client_order_id}"],
            [fence, self._seal.tag(*cancel_parts(owner, client_order_id, fence))],
        )
        return answer == ["kept"]

    async def end_cancel(self, owner: str, client_order_id: str) -> None:
        """Forget a kept cancel.

        Raises:
            LedgerUnavailableError: No answer; it may be carried out once more.
        """
        await self._scripts.call(
            "end_cancel", owner, [f"order:{client_order_id}", "open"], [client_order_id]
        )

    async def _settle(
        self,
        owner: str,
        client_order_id: str,
        fence: str,
        fields: Sequence[str],
        arrival: Arrival | None = None,
    ) -> list[Any]:
        logs, spend, moved_us = [], "", 0
        if arrival is not None:
            answered_us = self._scripts.latest_us(owner, arrival.answered_s)
            arrived_us = self._scripts.latest_us(owner, arrival.arrived_s)
            if answered_us is not None and arrived_us is not None:
                logs = list(log_keys([arrival.route]))
                spend = f"{arrival.caller}:{fence}:1"
                moved_us = max(
                    arrived_us - arrival.jitter_us,
                    min(arrival.slot_us, answered_us - arrival.jitter_us),
                )
        return await self._scripts.call(
            "settle_order",
            owner,
            [f"order:{client_order_id}", "open", "audit", *logs],
            [
                *(fence, client_order_id, AUDIT_LENGTH, self._settings.retention_ms),
                *(spend, moved_us),
                *fields,
            ],
        )

    def _record(self, owner: str, client_order_id: str, row: list[str]) -> OrderRecord:
        try:
            return record_from(
                dict(zip(row[::2], row[1::2], strict=True)),
                seal=self._seal,
                owner=owner,
                client_order_id=client_order_id,
            )
        except (ValueError, KeyError, TypeError) as error:
            raise LedgerUnavailableError("a row that the gateway did not write") from error


def refusal(answer: list[Any]) -> Exception:
    """The error that tells why nothing was granted."""
    match answer:
        case ["denied", str(window), wait_us]:
            return BudgetExhaustedError(window, -(-int(wait_us) // 1000))
        case ["recovering", left_us]:
            return LedgerRecoveringError(-(-int(left_us) // 1000))
    return LedgerUnavailableError("an answer of unknown shape")
