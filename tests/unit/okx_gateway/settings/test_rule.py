import pytest
from pydantic import SecretStr

from okx_gateway.settings.model import Settings
from okx_gateway.settings.rule import RULES, missing_for_serving

HERE = __file__
KEY = "AAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAAA="


def faults(**given: object) -> list[str]:
    settings = Settings.model_validate(given)
    return [f"{rule.names[0]} {fault}" for rule in RULES if (fault := rule.fault(settings))]


def test_the_defaults_go_together() -> None:
    assert faults() == []


@pytest.mark.parametrize(
    ("given", "words"),
    [
        ({"vault_key": SecretStr(KEY), "vault_key_file": "/k"}, "vault_key must stay empty"),
        ({"default_deadline_ms": 5000, "max_deadline_ms": 4999}, "default_deadline_ms must"),
        ({"order_validity_ms": 5000, "default_deadline_ms": 5000}, "order_validity_ms must"),
        ({"grpc_listen": "0.0.0.0:50051"}, "grpc_listen is open"),
        ({"rest_listen": "[::]:8080"}, "rest_listen is open"),
        ({"admin_listen": "10.0.0.1:8081"}, "admin_listen is open"),
        ({"grpc_listen": "0.0.0.0:50051", "identity_path": HERE}, "grpc_listen is open"),
        (
            {"grpc_listen": "0.0.0.0:1", "tls_certificate_file": HERE, "tls_key_file": HERE},
            "grpc_listen is open",
        ),
        ({"tls_certificate_file": HERE}, "tls_certificate_file must be set together"),
        ({"tls_key_file": HERE}, "tls_certificate_file must be set together"),
        ({"tls_client_ca_file": HERE}, "tls_client_ca_file needs"),
        ({"rest_listen": "127.0.0.1:50051"}, "rest_listen must differ"),
        ({"metrics_listen": "127.0.0.1:8081"}, "metrics_listen must differ"),
    ],
)
def test_what_does_not_go_together_is_told(given: dict[str, object], words: str) -> None:
    (fault,) = faults(**given)
    assert fault.startswith(words)


@pytest.mark.parametrize(
    "given",
    [
        {"grpc_listen": "0.0.0.0:50051", "allow_unauthenticated_remote": True},
        {
            "grpc_listen": "0.0.0.0:50051",
            "identity_path": HERE,
            "tls_certificate_file": HERE,
            "tls_key_file": HERE,
            "tls_client_ca_file": HERE,
        },
        {"metrics_listen": "0.0.0.0:9464"},
        {"admin_listen": "", "metrics_listen": ""},
        {"grpc_listen": "127.0.0.1:0", "rest_listen": "127.0.0.1:0"},
        {"default_deadline_ms": 5000, "max_deadline_ms": 5000, "order_validity_ms": 4999},
        {"vault_key": SecretStr(KEY)},
    ],
)
def test_what_goes_together_is_fine(given: dict[str, object]) -> None:
    assert faults(**given) == []


def test_serving_needs_redis_and_a_vault_with_its_key() -> None:
    assert len(missing_for_serving(Settings())) == 3
    for key in ({"vault_key": SecretStr(KEY)}, {"vault_key_file": "/k"}):
        ready = Settings.model_validate({"redis_url": "redis://x", "vault_path": "/v", **key})
        assert missing_for_serving(ready) == []
