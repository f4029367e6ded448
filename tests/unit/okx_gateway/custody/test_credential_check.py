from typing import Any

import pytest

from okx_gateway.custody.credential import Environment
from okx_gateway.custody.credential_check import CredentialVerdict, advice_on, judge_credential

# OKX docs v5, "Get account configuration", response example, trimmed; perm without withdraw.
CONFIG = {
    "uid": "44705892343619584",
    "mainUid": "44705892343619584",
    "acctLv": "2",
    "posMode": "long_short_mode",
    "perm": "read_only,trade",
    "ip": "192.0.2.7,2001:db8::7",
    "label": "v5 test",
}


def judge(
    credential: Environment = Environment.LIVE,
    gateway: Environment = Environment.LIVE,
    **changes: Any,
) -> CredentialVerdict:
    return judge_credential({**CONFIG, **changes}, credential=credential, gateway=gateway)


def test_a_bound_trading_key_is_usable() -> None:
    verdict = judge()
    assert verdict.usable
    assert verdict.refusals == verdict.warnings == ()
    assert verdict.uid == "44705892343619584"
    assert verdict.account_level == "futures"
    assert verdict.position_mode == "long/short"
    assert verdict.long_short
    assert verdict.permissions == {"read_only", "trade"}
    assert verdict.addresses == ("192.0.2.7", "2001:db8::7")


@pytest.mark.parametrize("perm", ["read_only,withdraw,trade", "withdraw", "trade, withdraw"])
def test_a_key_that_may_withdraw_is_refused(perm: str) -> None:
    verdict = judge(perm=perm)
    assert not verdict.usable
    assert "withdraw" in verdict.refusals[0]


@pytest.mark.parametrize(
    "changes", [{"perm": ""}, {"perm": None}, {"perm": ["trade"]}, {"uid": ""}, {"uid": 7}]
)
def test_what_cannot_be_read_is_refused(changes: dict[str, Any]) -> None:
    assert not judge(**changes).usable


def test_a_key_of_the_other_environment_is_refused() -> None:
    verdict = judge(credential=Environment.DEMO, gateway=Environment.LIVE)
    assert verdict.refusals == ("it is a demo key and the gateway runs live",)


def test_a_key_that_may_only_read_is_warned_of() -> None:
    verdict = judge(perm="read_only")
    assert verdict.usable
    assert "may not trade" in verdict.warnings[0]


@pytest.mark.parametrize(("perm", "lapses"), [("read_only,trade", True), ("read_only", False)])
def test_an_unbound_live_key_is_warned_of(perm: str, lapses: bool) -> None:  # noqa: FBT001
    warning = judge(perm=perm, ip="").warnings[-1]
    assert "no IP address" in warning
    assert ("14 days" in warning) is lapses


def test_an_unbound_demo_key_is_fine() -> None:
    assert judge(credential=Environment.DEMO, gateway=Environment.DEMO, ip="").warnings == ()


def test_new_words_of_okx_pass_as_they_are() -> None:
    verdict = judge(acctLv="9", posMode="both_ways_mode")
    assert (verdict.account_level, verdict.position_mode) == ("9", "both_ways_mode")
    assert not verdict.long_short


def test_a_refusal_of_okx_comes_with_what_to_do() -> None:
    assert "passphrase" in advice_on("50105")
    assert "OKX_GATEWAY_REGION" in advice_on("50119")
    assert advice_on("1") == ""
