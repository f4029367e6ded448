"""Journal and budget on a real server, with a seal that only tests use."""

from dataclasses import replace

from redis.asyncio import Redis

from okx_gateway.custody.journal_seal import JournalSeal
from okx_gateway.custody.vault_key import VaultKey
from okx_gateway.ledger.charge import Charge, ChargeTable
from okx_gateway.ledger.grant import LedgerSettings
from okx_gateway.ledger.ledger_script import LedgerScripts
from okx_gateway.ledger.redis_budget import RedisBudget
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.ledger.redis_script import RedisScripts
from okx_gateway.ledger.redis_servers import OneServer

SEAL = JournalSeal(VaultKey(b"a vault key that only tests use."))
SETTINGS = LedgerSettings(margin_ms=500)


def scripts_on(redis: "Redis", *, new: bool = True, timeout_s: float = 0.5) -> LedgerScripts:
    return LedgerScripts(RedisScripts(OneServer(redis), timeout_s=timeout_s), new=new)


def a_ledger(
    redis: "Redis", settings: LedgerSettings = SETTINGS, *, new: bool = True
) -> RedisLedger:
    return RedisLedger(scripts_on(redis, new=new), settings, SEAL)


def a_budget(redis: "Redis", *, new: bool = True, shadow: bool = False) -> RedisBudget:
    return RedisBudget(scripts_on(redis, new=new), replace(SETTINGS, shadow=shadow))


def charges_with(jitter_ms: int) -> ChargeTable:
    return ChargeTable(lambda: jitter_ms)


class NoFloor:
    """A replica without a floor: everything is asked of Redis."""

    def take(self, owner: str, charge: Charge) -> bool:
        return False
