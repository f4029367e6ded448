"""What stands on Redis, and what is it made of?  A part of `parts`."""

from contextlib import AsyncExitStack
from dataclasses import dataclass

from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.ledger_script import LedgerScripts
from okx_gateway.ledger.order_record import Seal
from okx_gateway.ledger.redis_amends import RedisAmends
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.ledger.redis_jitter import RedisJitter
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import open_servers
from okx_gateway.ledger.slot_lease import FloorHolder, NumberedSlot, SlotLease
from okx_gateway.settings import Settings

# Redis answers in a millisecond; one that has not by then is treated as down.
_REDIS_TIMEOUT_S = 0.5


@dataclass(frozen=True, slots=True, kw_only=True)
class LedgerParts:
    """What stands on Redis."""

    journal: RedisLedger
    amends: RedisAmends
    budget: RedisBudget
    jitter: RedisJitter
    slot: FloorHolder


def make_ledger(settings: Settings, stack: AsyncExitStack, seal: Seal) -> LedgerParts:
    """Make it; what has to be closed is closed with `stack`."""
    scripts = LedgerScripts(
        RedisScripts(
            open_servers(settings.redis_url),
            timeout_s=_REDIS_TIMEOUT_S,
            replicas_min=settings.redis_replicas_min,
        ),
        new=settings.redis_is_new,
    )
    stack.push_async_callback(scripts.close)
    ledger_settings = LedgerSettings(
        validity_ms=settings.order_validity_ms,
        margin_ms=settings.absence_margin_ms,
        retention_ms=settings.journal_retention_hours * 3_600_000,
        look_first_ms=settings.look_first_minutes * 60_000,
        shadow=settings.budget_mode == "shadow",
    )
    slot: FloorHolder = SlotLease(scripts, slots=settings.replicas_max)
    if settings.replica_slot is not None:
        slot = NumberedSlot(settings.replica_slot, slots=settings.replicas_max)
    stack.push_async_callback(slot.release)
    return LedgerParts(
        slot=slot,
        journal=RedisLedger(scripts, ledger_settings, seal),
        amends=RedisAmends(scripts, ledger_settings),
        budget=RedisBudget(scripts, ledger_settings),
        jitter=RedisJitter(scripts),
    )
