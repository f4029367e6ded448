import pytest
from pydantic import SecretStr, ValidationError

from okx_gateway.custody.credential import Environment
from okx_gateway.settings.model import Settings
from okx_gateway.settings.region import Region


def test_the_defaults_serve_this_machine_alone_on_the_demo_market() -> None:
    settings = Settings()
    assert settings.environment is Environment.DEMO
    assert settings.region is Region.GLOBAL
    assert settings.grpc_listen.loopback
    assert settings.rest_listen.loopback
    assert settings.admin_listen is not None
    assert settings.admin_listen.loopback
    assert settings.okx_rest_url == "https://www.okx.com"
    assert settings.okx_ws_private_url == "wss://wspap.okx.com:8443/ws/v5/private"


def test_a_preset_sets_the_hosts_that_are_not_set() -> None:
    settings = Settings.model_validate(
        {"region": "EEA", "environment": "live", "okx_rest_url": "http://127.0.0.1:9000"}
    )
    assert settings.okx_rest_url == "http://127.0.0.1:9000"
    assert settings.okx_ws_public_url == "wss://wseea.okx.com:8443/ws/v5/public"


def test_it_cannot_be_changed_nor_widened() -> None:
    with pytest.raises(ValidationError):
        Settings().calls_max = 7
    with pytest.raises(ValidationError):
        Settings.model_validate({"calls": "7"})


def test_printing_shows_no_secret() -> None:
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    settings = Settings(redis_url="redis://:hunter2@localhost", vault_key=SecretStr(key))
    shown = f"{settings} {settings!r}"
    assert "hunter2" not in shown
    assert key not in shown


@pytest.mark.parametrize(
    ("name", "text"),
    [
        ("trace_sample_ratio", "1.01"),
        ("trace_sample_ratio", "nan"),
        ("calls_max", "0"),
        ("calls_max", "1e3"),
        ("drain_grace_s", "-1"),
        ("grpc_listen", ""),
        ("policy_path", "/etc/none/policy.yaml"),
    ],
)
def test_a_value_out_of_bounds_is_refused(name: str, text: str) -> None:
    with pytest.raises(ValidationError):
        Settings.model_validate({name: text})
