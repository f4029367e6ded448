import json
from pathlib import Path

from click.testing import CliRunner, Result

from okx_gateway.cli.config import config

KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def run(*args: str, **environ: str) -> Result:
    variables = {f"OKX_GATEWAY_{name.upper()}": text for name, text in environ.items()}
    return CliRunner().invoke(config, args, env=variables)


def test_check_shows_what_is_in_force_and_where_it_comes_from(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("streams_max: 8\n")
    result = run("check", calls_max="7", config=str(path), redis_url="redis://:hunter2@localhost")
    assert result.exit_code == 0
    rows = {line.split()[0]: line.split()[1:] for line in result.stdout.splitlines()}
    assert rows["OKX_GATEWAY_CALLS_MAX"] == ["7", "environment"]
    assert rows["OKX_GATEWAY_STREAMS_MAX"] == ["8", "file"]
    assert rows["OKX_GATEWAY_LOG_LEVEL"] == ["info", "default"]
    assert rows["OKX_GATEWAY_OKX_REST_URL"] == ["https://www.okx.com", "preset"]
    assert rows["OKX_GATEWAY_REDIS_URL"] == ["redis://***@localhost", "environment"]


def test_check_says_what_serving_needs_yet() -> None:
    result = run("check")
    assert result.exit_code == 0
    assert "OKX_GATEWAY_REDIS_URL" in result.stderr
    assert "vault init" in result.stderr
    ready = run("check", redis_url="redis://x", vault_path="/v", vault_key=KEY)
    assert ready.stderr == ""


def test_check_as_json() -> None:
    result = run("check", "--json", vault_key=KEY)
    told = json.loads(result.stdout)
    assert told["settings"]["vault_key"] == {"value": "***", "origin": "environment"}
    assert told["settings"]["environment"] == {"value": "demo", "origin": "default"}
    assert len(told["missing_for_serving"]) == 2


def test_check_ends_with_2_and_everything_that_is_wrong() -> None:
    result = run("check", calls_max="many", redis_uri="x", region="mars", vault_key="hunter2")
    assert result.exit_code == 2
    assert result.stdout == ""
    assert result.stderr.startswith("4 settings are wrong:")
    assert "OKX_GATEWAY_CALLS_MAX: must be a whole number" in result.stderr
    assert "hunter2" not in result.output


def test_check_tells_programs_what_is_wrong() -> None:
    result = run("check", "--json", calls_max="many")
    assert result.exit_code == 2
    (problem,) = json.loads(result.stdout)["problems"]
    assert problem.startswith("OKX_GATEWAY_CALLS_MAX")


def test_list_tells_all_that_can_be_set() -> None:
    result = run("list")
    assert result.exit_code == 0
    assert "OKX_GATEWAY_ORDER_VALIDITY_MS  (a whole number from 100 to 30000, ms)" in result.stdout
    assert "Default: none. Example: redis://localhost:6379/0" in result.stdout
