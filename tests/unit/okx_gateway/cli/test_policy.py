import json
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okx_gateway.cli.policy import policy

TEXT = """
version: 1
revision: r1
callers:
  algo:
    market: ["*"]
    accounts:
      main:
        calls: [PlaceOrder, GetOrder]
        instruments: [BTC-*]
        orders: {market_orders: false, largest: {USDT: "50000"}, collar_percent: "2.5"}
  idle: {}
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT)
    return path


def run(*words: str) -> Result:
    return CliRunner().invoke(policy, list(words))


def test_a_right_policy_is_shown(path: Path) -> None:
    result = run("check", str(path))
    assert result.exit_code == 0
    assert "algo    main     GetOrder PlaceOrder  BTC-*" in result.output
    assert "50000 USDT, within 2.5 %, no market orders" in result.output
    assert "right; r1 is enforced" in result.output


def test_everything_that_is_wrong_is_shown(path: Path) -> None:
    path.write_text(TEXT.replace("GetOrder", "GetOrders").replace("algo:", "Algo:"))
    result = run("check", str(path))
    assert result.exit_code == 2
    assert "callers.Algo" in result.output
    path.write_text(TEXT.replace("GetOrder", "GetOrders"))
    assert "'GetOrders' is none of" in run("check", str(path)).output


@pytest.mark.parametrize(
    ("words", "code", "told"),
    [
        ("--call PlaceOrder --account main --instrument BTC-USDT", 0, "allowed"),
        ("--call PlaceOrder --account main --instrument ETH-USDT", 1, "denied: the grant's instr"),
        ("--call CancelOrder --account main", 1, "denied: the grant's calls do not include it"),
        ("--call GetTicker", 0, "allowed"),
        ("--call GetTicker --account main", 2, "GetTicker is about none"),
        ("--call GetOrder", 2, "GetOrder is about an account: give --account"),
        ("--call Withdraw --account main", 2, "Withdraw is none of"),
    ],
)
def test_a_call_is_explained(path: Path, words: str, code: int, told: str) -> None:
    result = run("explain", str(path), "--caller", "algo", *words.split())
    assert result.exit_code == code
    assert told in result.output


def test_the_schema_is_json() -> None:
    assert json.loads(run("schema").output)["title"] == "PolicyDocument"
