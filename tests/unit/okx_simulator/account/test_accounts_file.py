import json
from decimal import Decimal
from pathlib import Path
from typing import Any

import pytest
import yaml
from pydantic import ValidationError

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS, ApiKey, read_accounts

KEY = {"key": "00000000-0000-4000-8000-000000000001", "secret": "s", "passphrase": "p"}
SMALL = {"uid": "100000000000000001", "keys": [KEY]}


def read(tmp_path: Path, *accounts: dict[str, Any]) -> Any:
    path = tmp_path / "accounts.yaml"
    path.write_text(yaml.safe_dump({"accounts": list(accounts)}))
    return read_accounts(path)


def test_the_smallest_account_gets_defaults(tmp_path: Path) -> None:
    (account,) = read(tmp_path, SMALL)
    assert (account.account_level, account.position_mode) == ("2", "net_mode")
    assert account.keys[0].permissions == ("read_only", "trade")
    assert account.balances == {}


def test_everything_can_be_said(tmp_path: Path) -> None:
    full = {
        **SMALL,
        "main_uid": "1",
        "label": "desk",
        "account_level": "3",
        "position_mode": "long_short_mode",
        "stp_mode": "cancel_both",
        "balances": {"BTC": "0.1", "USDT": 5},
        "funding": {"USDT": "7"},
        "keys": [
            KEY,
            {
                **KEY,
                "key": "00000000-0000-4000-8000-000000000002",
                "permissions": ["read_only", "trade", "withdraw"],
                "ips": ["10.0.0.0/8", "::1"],
                "demo": True,
                "label": "bot",
            },
        ],
    }
    (account,) = read(tmp_path, full)
    assert account.balances == {"BTC": Decimal("0.1"), "USDT": Decimal(5)}
    assert "withdraw" in account.keys[1].permissions
    assert [str(network) for network in account.keys[1].ips] == ["10.0.0.0/8", "::1/128"]


def test_json_is_yaml(tmp_path: Path) -> None:
    path = tmp_path / "accounts.json"
    path.write_text(json.dumps({"accounts": [{"uid": "1", "keys": [KEY]}]}))
    assert read_accounts(path)[0].uid == "1"


@pytest.mark.parametrize(
    "spoiled",
    [
        {"uid": "abc"},
        {"keys": []},
        {"keys": [{**KEY, "key": "short"}]},
        {"keys": [{**KEY, "ips": ["300.1.1.1"]}]},
        {"keys": [{**KEY, "ips": ["10.0.0.1"] * 21}]},
        {"keys": [{**KEY, "permissions": ["all"]}]},
        {"keys": [KEY, KEY]},
        {"balances": {"XYZ": 1}},
        {"balances": {"BTC": -1}},
        {"account_level": "5"},
        {"account_level": "4", "position_mode": "long_short_mode"},
        {"misspelt": True},
    ],
)
def test_mistakes_are_named(tmp_path: Path, spoiled: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        read(tmp_path, SMALL | spoiled)


def test_what_is_no_yaml_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "accounts.yaml"
    path.write_text("a: [")
    with pytest.raises(ValueError, match="not YAML"):
        read_accounts(path)
    path.write_text("")
    with pytest.raises(ValidationError):
        read_accounts(path)


def test_secrets_are_not_shown() -> None:
    shown = repr(DEFAULT_ACCOUNTS)
    for key in DEFAULT_ACCOUNTS[0].keys:
        assert key.secret not in shown
        assert key.passphrase not in shown


def test_the_default_key_is_the_published_one() -> None:
    (key,) = DEFAULT_ACCOUNTS[0].keys
    assert key == ApiKey(
        key="00000000-0000-4000-8000-000000000001",
        secret="SIMULATORSECRET00000000000000001",
        passphrase="Simulator-1",
    )
