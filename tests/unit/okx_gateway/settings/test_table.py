import pytest
from pydantic import SecretStr

from okx_gateway.settings.load import load_settings
from okx_gateway.settings.model import Settings
from okx_gateway.settings.table import SettingFact, describe, effective_values

FACTS = describe()
# What cannot be tried here: files that have to exist, and words for people.
UNTRIED = {
    *("okx_ca_file", "vault_key", "policy_path", "identity_path"),
    *("tls_certificate_file", "tls_key_file", "tls_client_ca_file"),
}


def test_every_setting_is_described() -> None:
    assert [fact.name for fact in FACTS] == list(Settings.model_fields)
    for fact in FACTS:
        assert fact.meaning.endswith("."), fact
        assert fact.kind, fact
        assert fact.variable == f"OKX_GATEWAY_{fact.name.upper()}"


@pytest.mark.parametrize("fact", [fact for fact in FACTS if fact.name not in UNTRIED], ids=str)
def test_every_example_is_right(fact: SettingFact) -> None:
    environ = {fact.variable: fact.example, "OKX_GATEWAY_ALLOW_UNAUTHENTICATED_REMOTE": "true"}
    load_settings(environ)


@pytest.mark.parametrize("fact", [fact for fact in FACTS if fact.default[:1] != "("], ids=str)
def test_every_default_can_be_written_as_it_is_shown(fact: SettingFact) -> None:
    settings = load_settings({fact.variable: fact.default})
    assert getattr(settings, fact.name) == getattr(Settings(), fact.name)


def test_units_stand_apart_from_names() -> None:
    units = {fact.name: fact.unit for fact in FACTS}
    assert units["order_validity_ms"] == "ms"
    assert units["drain_grace_s"] == "s"
    assert units["journal_retention_hours"] == "h"
    assert units["calls_max"] == ""


def test_kinds_tell_what_can_be_set() -> None:
    kinds = {fact.name: fact.kind for fact in FACTS}
    assert kinds["calls_max"] == "a whole number from 1 to 1000000"
    assert kinds["region"] == "global, eea or us"
    assert kinds["log_format"] == "json or console"
    assert kinds["grpc_reflection"] == "true or false"
    assert kinds["rest_listen"] == "host:port"
    assert kinds["vault_key"] == "secret"
    assert kinds["egress_address"] == "text"


def test_values_are_shown_as_they_can_be_set_without_secrets() -> None:
    key = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="
    values = effective_values(
        Settings(redis_url="redis://:hunter2@localhost:6379/0", vault_key=SecretStr(key))
    )
    assert values["redis_url"] == "redis://***@localhost:6379/0"
    assert values["vault_key"] == "***"
    assert values["vault_key_file"] == ""
    assert values["rest_listen"] == "127.0.0.1:8080"
    assert values["option_families"] == "BTC-USD,ETH-USD"
    assert values["grpc_reflection"] == "false"
    assert values["environment"] == "demo"
