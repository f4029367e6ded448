import asyncio
import time
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any

import pytest
from structlog.testing import capture_logs

from okx_gateway.custody import account_register
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    AccountUnknownError,
    CredentialUnusableError,
    ExchangeUnavailableError,
    GatewayError,
)

GOOD = {
    "uid": "447",
    "perm": "read_only,trade",
    "acctLv": "2",
    "posMode": "net_mode",
    "ip": "192.0.2.1",
}
WITHDRAWS = GOOD | {"perm": "read_only,trade,withdraw"}
AWAY = ExchangeUnavailableError("HTTP 503")
SECRETS = ("planted-key", "planted-secret", "planted phrase")


class Exchange:
    """Answers each account from its script, whose last answer stays; signs as a real client."""

    def __init__(self, signer: Signer, scripts: dict[str, list[Any]]) -> None:
        self._signer_of_keys = signer
        self._scripts = scripts
        self.asked: list[str] = []
        self.open = asyncio.Event()
        self.open.set()
        self.limits: list[int | GatewayError] = []
        self.limits_of: list[str] = []

    async def order_limit(self, account: Account) -> int:
        self.limits_of.append(account.owner)
        told = self.limits.pop(0) if len(self.limits) > 1 else self.limits[0]
        if isinstance(told, GatewayError):
            raise told
        return told

    async def account_config(self, account: str) -> dict[str, Any]:
        self._signer_of_keys.sign_login(account, timestamp_s=1_700_000_000)
        self.asked.append(account)
        await self.open.wait()
        script = self._scripts[account]
        answer = script.pop(0) if len(script) > 1 else script[0]
        if isinstance(answer, GatewayError):
            raise answer
        config: dict[str, Any] = answer
        return config


class Desk:
    """A register over a real signer, with what it asks."""

    def __init__(
        self, *, environment: Environment = Environment.LIVE, **scripts: list[Any]
    ) -> None:
        self.signer = Signer(
            (
                Credential(account=name, environment=environment, version=1, secrets=SECRETS)
                for name in scripts
            ),
            environment=environment,
        )
        self.exchange = Exchange(self.signer, scripts)
        self.register = AccountRegister(
            self.signer, environment, read_config=self.exchange.account_config
        )

    async def find(self, name: str = "main", within_s: float = 10.0) -> Account:
        return await self.register.find(name, Deadline.after(within_s))

    async def asks(self, times: int) -> None:
        give_up_s = time.monotonic() + 10
        while len(self.exchange.asked) < times:
            assert time.monotonic() < give_up_s
            await asyncio.sleep(0)


async def test_an_account_is_judged_once_and_then_known() -> None:
    desk = Desk(main=[GOOD])
    assert not desk.register.ready
    assert await desk.find() == Account("main", "live:447", long_short=False)
    assert await desk.find() == Account("main", "live:447", long_short=False)
    assert desk.exchange.asked == ["main"]
    assert desk.register.ready


async def test_owner_and_position_mode_are_those_that_okx_tells() -> None:
    desk = Desk(environment=Environment.DEMO, main=[GOOD | {"posMode": "long_short_mode"}])
    assert await desk.find() == Account("main", "demo:447", long_short=True)


async def test_of_an_unknown_name_nothing_is_asked() -> None:
    desk = Desk(main=[GOOD])
    with pytest.raises(AccountUnknownError):
        await desk.find("other")
    assert desk.exchange.asked == []


async def test_a_key_that_may_withdraw_is_dropped_for_good() -> None:
    desk = Desk(main=[WITHDRAWS, GOOD])
    with pytest.raises(CredentialUnusableError, match="may withdraw"):
        await desk.find()
    assert desk.signer.accounts() == ()
    with pytest.raises(CredentialUnusableError, match="may withdraw"):
        desk.signer.sign_login("main", timestamp_s=1_700_000_000)
    with pytest.raises(CredentialUnusableError, match="may withdraw"):
        await desk.find()
    assert desk.exchange.asked == ["main"]
    assert not desk.register.ready


@pytest.mark.parametrize("config", [{}, GOOD | {"perm": ""}, GOOD | {"uid": ""}])
async def test_what_okx_does_not_tell_is_no_permission(config: dict[str, str]) -> None:
    desk = Desk(main=[config])
    with pytest.raises(CredentialUnusableError):
        await desk.find()
    assert desk.signer.accounts() == ()


async def test_while_okx_is_away_the_key_is_kept_and_asked_about_again() -> None:
    desk = Desk(main=[AWAY, GOOD])
    with pytest.raises(ExchangeUnavailableError, match="503"):
        await desk.find()
    assert len(desk.signer.accounts()) == 1
    assert (await desk.find()).owner == "live:447"
    assert desk.exchange.asked == ["main", "main"]


async def test_concurrent_finders_share_one_request() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.open.clear()
    finders = [asyncio.create_task(desk.find()) for _ in range(50)]
    await desk.asks(1)
    desk.exchange.open.set()
    assert len(set(await asyncio.gather(*finders))) == 1
    assert desk.exchange.asked == ["main"]


async def test_concurrent_finders_share_a_refusal_too() -> None:
    desk = Desk(main=[WITHDRAWS])
    results = await asyncio.gather(*(desk.find() for _ in range(5)), return_exceptions=True)
    assert [type(each) for each in results] == [CredentialUnusableError] * 5
    assert desk.exchange.asked == ["main"]


async def test_a_finder_waits_no_longer_than_its_deadline_and_the_request_goes_on() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.open.clear()
    patient = asyncio.create_task(desk.find())
    started_s = time.monotonic()
    with pytest.raises(ExchangeUnavailableError, match="not told yet"):
        await desk.find(within_s=0.05)
    assert 0.04 < time.monotonic() - started_s < 2.0
    desk.exchange.open.set()
    assert (await patient).owner == "live:447"
    assert desk.exchange.asked == ["main"]


async def test_a_deadline_that_is_past_is_no_defect() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.open.clear()
    with pytest.raises(ExchangeUnavailableError, match="not told yet"):
        await desk.find(within_s=-1.0)
    desk.exchange.open.set()
    assert (await desk.find()).owner == "live:447"


async def test_a_finder_that_is_cancelled_takes_nothing_from_the_others() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.open.clear()
    leaving, staying = (asyncio.create_task(desk.find()) for _ in range(2))
    await desk.asks(1)
    leaving.cancel()
    with pytest.raises(asyncio.CancelledError):
        await leaving
    desk.exchange.open.set()
    assert (await staying).owner == "live:447"
    assert desk.exchange.asked == ["main"]


async def test_all_are_verified_with_another_try_for_those_that_okx_did_not_tell_of(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(account_register, "_RETRY_S", 0.01)
    desk = Desk(away=[AWAY, AWAY, GOOD], good=[GOOD], withdraws=[WITHDRAWS])
    await asyncio.wait_for(desk.register.verify_all(), 10)
    assert desk.exchange.asked == ["away", "good", "withdraws", "away", "away"]
    assert desk.register.ready
    assert [each.account for each in desk.signer.accounts()] == ["away", "good"]


async def test_a_good_account_can_be_used_while_another_is_waited_for() -> None:
    desk = Desk(away=[AWAY], good=[GOOD])
    verifying = asyncio.create_task(desk.register.verify_all())
    await desk.asks(2)
    assert (await desk.find("good")).owner == "live:447"
    assert desk.register.ready
    assert not verifying.done()
    verifying.cancel()


async def test_without_a_usable_account_it_ends_and_is_not_ready() -> None:
    desk = Desk(main=[CredentialUnusableError("main", "50111 no such key")], other=[WITHDRAWS])
    await asyncio.wait_for(desk.register.verify_all(), 10)
    assert not desk.register.ready


@pytest.mark.parametrize(
    ("config", "level", "words"),
    [
        (GOOD | {"perm": "read_only"}, "warning", "may not trade"),
        (GOOD | {"ip": ""}, "warning", "bound to no IP address"),
        (WITHDRAWS, "error", "may withdraw"),
        (AWAY, "warning", "HTTP 503"),
    ],
)
async def test_operators_learn_of_what_is_wrong_and_of_no_secret(
    monkeypatch: pytest.MonkeyPatch, config: Any, level: str, words: str
) -> None:
    monkeypatch.setattr(account_register, "_RETRY_S", 0.01)
    desk = Desk(main=[config, GOOD])
    with capture_logs() as lines:
        await asyncio.wait_for(desk.register.verify_all(), 10)
    told = [line for line in lines if line["log_level"] == level and words in str(line)]
    assert [line["account"] for line in told] == ["main"]
    assert not any(secret in str(lines) for secret in SECRETS)


@pytest.mark.parametrize(
    ("level", "whole"),
    [("1", False), ("2", False), ("3", False), ("4", True), ("5", True), ("", True)],
)
async def test_batches_are_taken_as_a_whole_where_okx_margins_the_portfolio(
    level: str, *, whole: bool
) -> None:
    desk = Desk(main=[GOOD | {"acctLv": level}])
    assert (await desk.find()).portfolio_margin is whole


@asynccontextmanager
async def reading_limits(desk: Desk) -> AsyncIterator[None]:
    task = asyncio.create_task(desk.register.keep_limits_fresh(desk.exchange.order_limit))
    try:
        yield
    finally:
        task.cancel()


@pytest.fixture
def soon(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(account_register, "_LIMIT_POLL_S", 0.005)
    monkeypatch.setattr(account_register, "_LIMIT_RETRY_S", 0.01)
    monkeypatch.setattr(account_register, "_LIMIT_FRESH_S", 0.03)


async def limit_of(desk: Desk, count: int) -> Account:
    """Wait until the account may send so much."""
    give_up_s = time.monotonic() + 10
    while (account := await desk.find()).orders_per_2_s != count:
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0)
    return account


async def test_until_okx_tells_an_account_may_send_what_everybody_may() -> None:
    desk = Desk(main=[GOOD])
    assert (await desk.find()).orders_per_2_s == 1_000


@pytest.mark.usefixtures("soon")
async def test_the_limit_of_orders_is_read_again_and_again() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.limits = [2_000, 2_500]
    async with reading_limits(desk):
        await asyncio.sleep(0.02)
        assert desk.exchange.limits_of == []  # of no account is anything known yet
        before = await desk.find()
        account = await limit_of(desk, 2_000)
        assert account == replace(before, orders_per_2_s=2_000)
        await limit_of(desk, 2_500)
    assert set(desk.exchange.limits_of) == {"live:447"}


@pytest.mark.usefixtures("soon")
async def test_while_okx_does_not_tell_the_last_limit_stands() -> None:
    desk = Desk(main=[GOOD])
    desk.exchange.limits = [2_000, AWAY, AWAY, 3_000]
    with capture_logs() as lines:
        async with reading_limits(desk):
            await limit_of(desk, 2_000)
            await limit_of(desk, 3_000)
    warnings = [line["error"] for line in lines if line["log_level"] == "warning"]
    assert [str(AWAY)] * 2 == warnings
    told = [line["orders_per_2_s"] for line in lines if "orders_per_2_s" in line]
    assert told == [2_000, 3_000]
