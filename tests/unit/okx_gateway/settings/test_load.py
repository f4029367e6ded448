from pathlib import Path

import pytest

from okx_gateway.settings.load import Origin, SettingsError, load_effective, load_settings

P = "OKX_GATEWAY_"


def report_on(environ: dict[str, str]) -> str:
    with pytest.raises(SettingsError) as caught:
        load_settings(environ)
    return str(caught.value)


def test_nothing_set_gives_the_defaults() -> None:
    assert load_settings({}).calls_max == 2000


def test_the_environment_wins_over_the_file(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("calls_max: 7\nstreams_max: 8\nregion: eea\n")
    effective = load_effective({f"{P}CONFIG": str(path), f"{P}CALLS_MAX": "9"})
    assert (effective.settings.calls_max, effective.settings.streams_max) == (9, 8)
    assert effective.origins["calls_max"] is Origin.ENVIRONMENT
    assert effective.origins["streams_max"] is Origin.FILE
    assert effective.origins["okx_rest_url"] is Origin.PRESET
    assert effective.origins["log_level"] is Origin.DEFAULT
    assert effective.settings.okx_rest_url == "https://eea.okx.com"


def test_an_empty_variable_is_one_that_is_not_set() -> None:
    effective = load_effective({f"{P}CALLS_MAX": "", f"{P}OKX_REST_URL": " ", f"{P}VAULT_KEY": ""})
    assert effective.settings.calls_max == 2000
    assert effective.settings.okx_rest_url == "https://www.okx.com"
    assert effective.settings.vault_key is None
    assert effective.origins["calls_max"] is Origin.DEFAULT


def test_empty_turns_off_what_can_be_off() -> None:
    settings = load_settings(
        {f"{P}ADMIN_LISTEN": "", f"{P}METRICS_LISTEN": "", f"{P}OPTION_FAMILIES": ""}
    )
    assert settings.admin_listen is None
    assert settings.metrics_listen is None
    assert settings.option_families == ()


def test_everything_wrong_is_told_at_once(tmp_path: Path) -> None:
    path = tmp_path / "gateway.yaml"
    path.write_text("log_level: loud\nstreams_maximum: 8\n")
    report = report_on(
        {
            f"{P}CONFIG": str(path),
            f"{P}CALLS_MAX": "many",
            f"{P}REGION": "mars",
            f"{P}REDIS_URI": "redis://localhost",
            f"{P}MAX_DEADLINE_MS": "100",
            f"{P}REST_LISTEN": "0.0.0.0:8080",
        }
    )
    lines = report.splitlines()
    assert lines[0] == "7 settings are wrong:"
    assert len(lines) == 8
    assert (
        "  OKX_GATEWAY_CALLS_MAX: must be a whole number from 1 to 1000000, not 'many'; "
        "for example 2000"
    ) in lines
    assert "  OKX_GATEWAY_REGION: must be global, eea or us, not 'mars'; for example eea" in lines
    assert f"OKX_GATEWAY_LOG_LEVEL ({path} line 1): must be debug, info" in report
    assert "did you mean streams_max?" in report
    assert "did you mean OKX_GATEWAY_REDIS_URL?" in report
    assert "OKX_GATEWAY_DEFAULT_DEADLINE_MS: must be at most OKX_GATEWAY_MAX_DEADLINE_MS" in report
    assert "OKX_GATEWAY_REST_LISTEN: is open to other machines" in report


def test_a_rule_on_a_setting_that_is_wrong_itself_is_not_applied() -> None:
    report = report_on({f"{P}MAX_DEADLINE_MS": "soon"})
    assert report.count("OKX_GATEWAY_") == 1
    assert report.startswith("1 setting is wrong:")


def test_a_rule_between_right_settings_is_applied_beside_wrong_ones() -> None:
    report = report_on({f"{P}MAX_DEADLINE_MS": "100", f"{P}CALLS_MAX": "many"})
    assert "DEFAULT_DEADLINE_MS: must be at most" in report
    assert "CALLS_MAX: must be a whole number" in report


@pytest.mark.parametrize(
    "environ",
    [
        {f"{P}VAULT_KEY": "hunter2"},
        {f"{P}REDIS_URL": "http://:hunter2@localhost"},
        {f"{P}REDIS_URL": "redis://:hunter2@localhost:port"},
        {f"{P}REDIS_URI": "redis://:hunter2@localhost"},
        {f"{P}VAULT_KEYS": "hunter2"},
        {f"{P}OKX_REST_URL": "https://me:hunter2@www.okx.com"},
    ],
)
def test_a_report_shows_no_secret(environ: dict[str, str]) -> None:
    assert "hunter2" not in report_on(environ)


def test_a_long_value_is_cut() -> None:
    assert len(report_on({f"{P}LOG_LEVEL": "x" * 10_000})) < 400


def test_a_missing_ca_file_is_told(tmp_path: Path) -> None:
    assert "must be a file" in report_on({f"{P}OKX_CA_FILE": str(tmp_path / "none.pem")})
    present = tmp_path / "ca.pem"
    present.touch()
    assert load_settings({f"{P}OKX_CA_FILE": str(present)}).okx_ca_file == present
