"""What has been sent, and what may still be sent?

Touches Redis, whose clock alone decides the budget. All keys of one OKX user carry one hash tag, so
that one script may touch them all on a cluster.
"""

import math
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import orjson
from redis.asyncio import Redis

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    BudgetExhaustedError,
    DeadlineTooShortError,
    LedgerUnavailableError,
)
from okx_gateway.domain.order import NewOrder, Outcome
from okx_gateway.ledger.charge import Charge
from okx_gateway.ledger.order_record import OrderRecord, fields_of, outcome_fields, record_from
from okx_gateway.ledger.redis_script import RedisScripts

_AUDIT_LENGTH = 100_000
_PREFIX = "okxgw:"


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """How orders are bounded and remembered.

    `validity_ms` is how long after its slot OKX may take an order, `least_validity_ms` what must be
    left of that before the caller's deadline, `retention_ms` how long an order's row is kept.
    Redis answers in a millisecond; one that has not within `timeout_s` is treated as down.
    """

    validity_ms: int = 1_000
    least_validity_ms: int = 100
    retention_ms: int = 7 * 24 * 3_600_000
    timeout_s: float = 0.5


@dataclass(frozen=True, slots=True)
class Known:
    """The id was used before; nothing was spent."""

    record: OrderRecord


@dataclass(frozen=True, slots=True)
class Granted:
    """The order is on record as being sent: send it in `wait_s`, or settle it as unsent.

    OKX must not take it after `expiry_ms` of OKX's clock.
    """

    wait_s: float
    expiry_ms: int


class RedisLedger:
    """Journal and budget of all replicas, in one Redis."""

    def __init__(self, redis: "Redis", settings: LedgerSettings) -> None:
        self._settings = settings
        self._scripts = RedisScripts(redis, timeout_s=settings.timeout_s)
        self._scripts.load("admit_order", spends=True)
        self._scripts.load("spend", spends=True)
        self._scripts.load("settle_order", spends=False)
        self._scripts.load("read_order", spends=False)

    async def admit(
        self,
        order: NewOrder,
        *,
        owner: str,
        caller: str,
        charges: Sequence[Charge],
        exchange_ms: int,
        remaining_ms: int,
    ) -> Known | Granted:
        """Put `order` on record and give it a slot, unless its id is known.

        `owner` is the OKX user that the limits count for, `exchange_ms` the least that OKX's clock
        may show.

        Raises:
            DeadlineTooShortError: Nothing could be sent in time; nothing is on record or spent.
            BudgetExhaustedError: No room before the deadline; nothing is on record or spent.
            LedgerUnavailableError: No answer; nothing may be sent.
        """
        settings = self._settings
        if remaining_ms < settings.least_validity_ms:
            raise DeadlineTooShortError(remaining_ms, settings.least_validity_ms)
        answer = await self._scripts.call(
            "admit_order",
            [*_order_keys(owner, order.client_order_id), *_window_keys(owner, charges)],
            [
                caller,
                orjson.dumps(fields_of(order)).decode(),
                exchange_ms,
                settings.validity_ms,
                remaining_ms,
                settings.least_validity_ms,
                settings.retention_ms,
                _AUDIT_LENGTH,
                *_window_arguments(charges),
            ],
        )
        match answer:
            case ["known", list(row)]:
                return Known(_record(row))
            case ["granted", wait_us, expiry_ms]:
                return Granted(int(wait_us) / 1_000_000, int(expiry_ms))
            case ["denied", index, wait_us]:
                raise _exhausted(charges[int(index)], int(wait_us))
        raise LedgerUnavailableError("an answer of unknown shape")

    async def settle(
        self, owner: str, client_order_id: str, outcome: Outcome
    ) -> OrderRecord | None:
        """Put the final outcome on record; where there is one already it stays and is returned.

        Raises:
            LedgerUnavailableError: No answer; the outcome may or may not be on record.
        """
        return await self._settle(owner, client_order_id, outcome_fields(outcome))

    async def settle_unsent(self, owner: str, client_order_id: str) -> None:
        """Forget an order of which provably nothing was sent; its id may be used again.

        Raises:
            LedgerUnavailableError: No answer; the row may still be there.
        """
        await self._settle(owner, client_order_id, ["unsent"])

    async def read(self, owner: str, client_order_id: str) -> OrderRecord | None:
        """Read an order's row; None where the id was never used.

        Raises:
            LedgerUnavailableError: No answer.
        """
        [row] = await self._scripts.call("read_order", _order_keys(owner, client_order_id)[:1], [])
        return _record(row) if row else None

    async def spend(self, owner: str, charges: Sequence[Charge], deadline: Deadline) -> float:
        """Take a slot for a request; seconds to wait for it.

        Raises:
            BudgetExhaustedError: No room before the deadline; nothing is spent.
            LedgerUnavailableError: No answer; nothing may be sent.
        """
        longest_wait_us = max(0, math.floor(deadline.remaining_s() * 1_000_000))
        answer = await self._scripts.call(
            "spend",
            list(_window_keys(owner, charges)),
            [longest_wait_us, *_window_arguments(charges)],
        )
        match answer:
            case ["granted", wait_us]:
                return int(wait_us) / 1_000_000
            case ["denied", index, wait_us]:
                raise _exhausted(charges[int(index)], int(wait_us))
        raise LedgerUnavailableError("an answer of unknown shape")

    async def close(self) -> None:
        """Wait for what is under way."""
        await self._scripts.close()

    async def _settle(
        self, owner: str, client_order_id: str, outcome: list[str]
    ) -> OrderRecord | None:
        answer = await self._scripts.call(
            "settle_order",
            _order_keys(owner, client_order_id),
            [client_order_id, _AUDIT_LENGTH, self._settings.retention_ms, *outcome],
        )
        match answer:
            case ["settled"]:
                return None
            case ["kept", list(row)]:
                return _record(row) if row else None
        raise LedgerUnavailableError("an answer of unknown shape")


def _order_keys(owner: str, client_order_id: str) -> list[str]:
    return [f"{_PREFIX}{{{owner}}}:order:{client_order_id}", f"{_PREFIX}{{{owner}}}:audit"]


def _window_keys(owner: str, charges: Sequence[Charge]) -> Iterator[str]:
    return (f"{_PREFIX}{{{owner}}}:window:{charge.name}" for charge in charges)


def _window_arguments(charges: Sequence[Charge]) -> Iterator[int]:
    for charge in charges:
        yield from (charge.capacity, charge.width_us, charge.cost)


def _exhausted(charge: Charge, wait_us: int) -> BudgetExhaustedError:
    return BudgetExhaustedError(charge.name, math.ceil(wait_us / 1000))


def _record(row: list[str]) -> OrderRecord:
    try:
        return record_from(dict(zip(row[::2], row[1::2], strict=True)))
    except (ValueError, KeyError, TypeError) as error:
        raise LedgerUnavailableError("a row that the gateway did not write") from error
