"""Which accounts may be used, as OKX itself says of their keys, and how much may they send?

Asks OKX about each key once, at the start or, where OKX was away, when its account is first used;
and every hour how many orders the account may send.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable
from dataclasses import replace

import structlog

from okx_gateway.custody.credential import Environment
from okx_gateway.custody.credential_check import judge_credential
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    AccountUnknownError,
    CredentialUnusableError,
    ExchangeUnavailableError,
    GatewayError,
)
from okx_gateway.okx.reply import Row

_LOG = structlog.get_logger()
_RETRY_S = 5.0
_ATTEMPT_S = 10.0
_TOGETHER_MAX = 8
# OKX sets it anew every day at 08:00 UTC.
_LIMIT_FRESH_S = 3_600.0
_LIMIT_RETRY_S = 60.0
_LIMIT_POLL_S = 5.0


class AccountRegister:
    """The accounts of `signer`, each once its credential has been judged."""

    def __init__(
        self,
        signer: Signer,
        environment: Environment,
        *,
        read_config: Callable[[str], Awaitable[Row]],
    ) -> None:
        self._signer = signer
        self._read_config = read_config
        self._environment = environment
        self._credentials = {each.account: each.environment for each in signer.accounts()}
        self._verified: dict[str, Account] = {}
        self._verifying: dict[str, asyncio.Task[Account]] = {}

    async def find(self, name: str, deadline: Deadline) -> Account:
        """The account of this name.

        Raises:
            AccountUnknownError: There is none.
            CredentialUnusableError: OKX does not accept its key, or the gateway does not dare to
                use it; nothing else was sent.
            ExchangeError: OKX did not tell before the deadline whether its key may be used.
        """
        account = self._verified.get(name)
        if account is not None:
            return account
        if name not in self._credentials:
            raise AccountUnknownError(name)
        task = self._verifying.get(name)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._verify(name))
            self._verifying[name] = task
            task.add_done_callback(lambda ended: self._forget(name, ended))
        done, _ = await asyncio.wait({task}, timeout=max(0.0, deadline.remaining_s()))
        if not done:
            raise ExchangeUnavailableError("it has not told yet whether the key may be used")
        return task.result()

    async def verify_all(self) -> None:
        """Judge every account, trying again while OKX is away."""
        waiting = set(self._credentials)
        while waiting:
            names = sorted(waiting)
            for some in range(0, len(names), _TOGETHER_MAX):
                together = names[some : some + _TOGETHER_MAX]
                judged = await asyncio.gather(*map(self._is_judged, together))
                waiting -= {name for name, done in zip(together, judged, strict=True) if done}
            if waiting:
                await asyncio.sleep(_RETRY_S)

    async def _is_judged(self, name: str) -> bool:
        try:
            await self.find(name, Deadline.after(_ATTEMPT_S))
        except CredentialUnusableError as error:
            _LOG.error("account not usable", account=name, error=str(error))
        except GatewayError as error:
            _LOG.warning("account not verified yet", account=name, error=str(error))
            return False
        return True

    async def keep_limits_fresh(self, read_limit: Callable[[Account], Awaitable[int]]) -> None:
        """Read again and again how many orders each account may send, for ever.

        `read_limit` reads it for one. While OKX does not tell, the last figure stands, at first the
        least that OKX allows anybody.
        """
        due_s: dict[str, float] = {}
        while True:
            for account in tuple(self._verified.values()):
                if due_s.get(account.name, 0.0) > time.monotonic():
                    continue
                told = await self._take_limit(account, read_limit)
                pause_s = _LIMIT_FRESH_S if told else _LIMIT_RETRY_S
                due_s[account.name] = time.monotonic() + pause_s
            await asyncio.sleep(_LIMIT_POLL_S)

    def verified(self) -> tuple[Account, ...]:
        """Every account that may be used now."""
        return tuple(self._verified.values())

    @property
    def ready(self) -> bool:
        """Whether at least one account may be used."""
        return bool(self._verified)

    def _forget(self, name: str, ended: asyncio.Task[Account]) -> None:
        self._verifying.pop(name, None)
        if not ended.cancelled():
            ended.exception()  # read, for the case that everybody has stopped waiting

    async def _verify(self, name: str) -> Account:
        config = await self._read_config(name)
        verdict = judge_credential(
            config, credential=self._credentials[name], gateway=self._environment
        )
        for warning in verdict.warnings:
            _LOG.warning("credential", account=name, warning=warning)
        if not verdict.usable:
            cause = "; ".join(verdict.refusals)
            self._signer.drop(name, cause)
            raise CredentialUnusableError(name, cause)
        account = Account(
            name,
            f"{self._environment}:{verdict.uid}",
            long_short=verdict.long_short,
            portfolio_margin=verdict.portfolio_margin,
        )
        self._verified[name] = account
        _LOG.info("account verified", account=name, level=verdict.account_level)
        return account

    async def _take_limit(
        self, account: Account, read_limit: Callable[[Account], Awaitable[int]]
    ) -> bool:
        """Take over what OKX allows the account; tell whether it told."""
        try:
            count = await read_limit(account)
        except GatewayError as error:
            _LOG.warning("limit of orders not read", account=account.name, error=str(error))
            return False
        if count != account.orders_per_2_s:
            self._verified[account.name] = replace(account, orders_per_2_s=count)
            _LOG.info("limit of orders", account=account.name, orders_per_2_s=count)
        return True
