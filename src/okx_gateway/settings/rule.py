"""Which settings do not go together?  A table, pure.

A rule is only applied where the settings it names are right by themselves.
"""

from collections.abc import Callable
from dataclasses import dataclass

from okx_gateway.settings.model import Settings


@dataclass(frozen=True, slots=True)
class Rule:
    """`fault` says what is wrong between the settings `names`, empty where nothing is."""

    names: tuple[str, ...]
    fault: Callable[[Settings], str]


def _one_key(settings: Settings) -> str:
    if settings.vault_key is None or settings.vault_key_file is None:
        return ""
    return "must stay empty where OKX_GATEWAY_VAULT_KEY_FILE is set: one key opens the vault"


def _deadlines(settings: Settings) -> str:
    if settings.default_deadline_ms <= settings.max_deadline_ms:
        return ""
    return f"must be at most OKX_GATEWAY_MAX_DEADLINE_MS, which is {settings.max_deadline_ms}"


def _validity(settings: Settings) -> str:
    if settings.order_validity_ms < settings.default_deadline_ms:
        return ""
    return (
        f"must be below OKX_GATEWAY_DEFAULT_DEADLINE_MS, which is {settings.default_deadline_ms}: "
        "an order needs its validity before its deadline"
    )


def _shares(settings: Settings) -> str:
    if settings.policy_path is None or not settings.caller_shares:
        return ""
    return "must stay empty where OKX_GATEWAY_POLICY_PATH is set: the policy has the shares"


def _remote(name: str) -> Rule:
    def fault(settings: Settings) -> str:
        address = getattr(settings, name)
        if address is None or address.loopback or settings.allow_unauthenticated_remote:
            return ""
        if settings.identity_path is not None and settings.tls_certificate_file is not None:
            return ""
        return (
            f"is open to other machines at {address}, and callers are not authenticated over TLS; "
            "set OKX_GATEWAY_IDENTITY_PATH and OKX_GATEWAY_TLS_CERTIFICATE_FILE, or listen on "
            "127.0.0.1, or let a mesh or network policy authenticate callers and set "
            "OKX_GATEWAY_ALLOW_UNAUTHENTICATED_REMOTE=true"
        )

    return Rule(
        (name, "allow_unauthenticated_remote", "identity_path", "tls_certificate_file"), fault
    )


def _tls_pair(settings: Settings) -> str:
    if (settings.tls_certificate_file is None) == (settings.tls_key_file is None):
        return ""
    return "must be set together with OKX_GATEWAY_TLS_KEY_FILE, or neither"


def _client_ca(settings: Settings) -> str:
    if settings.tls_client_ca_file is None or settings.tls_certificate_file is not None:
        return ""
    return "needs OKX_GATEWAY_TLS_CERTIFICATE_FILE: callers show certificates over TLS alone"


def _apart(first: str, second: str) -> Rule:
    def fault(settings: Settings) -> str:
        address = getattr(settings, first)
        if address is None or address.port == 0 or address != getattr(settings, second):
            return ""
        return f"must differ from OKX_GATEWAY_{second.upper()}, which is {address} too"

    return Rule((first, second), fault)


def missing_for_serving(settings: Settings) -> list[str]:
    """What has to be set before the gateway can serve, each with how; right otherwise."""
    needs = {
        "OKX_GATEWAY_REDIS_URL, such as redis://localhost:6379/0": settings.redis_url,
        "OKX_GATEWAY_VAULT_PATH; `okx-gateway vault init` makes a vault": settings.vault_path,
        "OKX_GATEWAY_VAULT_KEY_FILE; `okx-gateway vault init` makes a key": (
            settings.vault_key_file or settings.vault_key
        ),
    }
    return [need for need, setting in needs.items() if not setting]


RULES = (
    Rule(("vault_key", "vault_key_file"), _one_key),
    Rule(("default_deadline_ms", "max_deadline_ms"), _deadlines),
    Rule(("order_validity_ms", "default_deadline_ms"), _validity),
    Rule(("tls_certificate_file", "tls_key_file"), _tls_pair),
    Rule(("tls_client_ca_file", "tls_certificate_file"), _client_ca),
    _remote("grpc_listen"),
    _remote("rest_listen"),
    _remote("admin_listen"),
    Rule(("caller_shares", "policy_path"), _shares),
    _apart("rest_listen", "grpc_listen"),
    _apart("admin_listen", "grpc_listen"),
    _apart("admin_listen", "rest_listen"),
    _apart("metrics_listen", "grpc_listen"),
    _apart("metrics_listen", "rest_listen"),
    _apart("metrics_listen", "admin_listen"),
)
