"""May the gateway use a credential, judged by what OKX says of it?  Pure.

Source: OKX docs v5, "Get account configuration" and "API key", November 2025.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okx_gateway.custody.credential import Environment

_ACCOUNT_LEVELS = {
    "1": "spot",
    "2": "futures",
    "3": "multi-currency margin",
    "4": "portfolio margin",
}
_LEVELS_OF_SINGLE_ORDERS = frozenset(_ACCOUNT_LEVELS.values()) - {"portfolio margin"}
# Source: OKX docs v5, "Error Code".
_ADVICE = {
    "50100": "the key is frozen; look at it at OKX",
    "50101": "the key is of the other environment; remove it and add it with the right one",
    "50105": "the passphrase is another one; add the key again with the right one",
    "50110": "the key is bound to other addresses than the one this request came from",
    "50111": "OKX knows no such key; look for a slip in copying it",
    "50113": "the secret key is another one; add the key again with the right one",
    "50119": "OKX knows no such key on this site; is OKX_GATEWAY_REGION that of the account?",
}
_POSITION_MODES = {"net_mode": "net", "long_short_mode": "long/short"}


@dataclass(frozen=True, slots=True)
class CredentialVerdict:
    """What OKX says of a credential. With a refusal it must not be used; a warning is for a person.

    `uid` is OKX's name of the account. `account_level` and `position_mode` are words, OKX's own
    where they are new. `addresses` are those that the key is bound to, IPv4, IPv6 or networks.
    """

    uid: str
    account_level: str
    position_mode: str
    permissions: frozenset[str]
    addresses: tuple[str, ...]
    refusals: tuple[str, ...]
    warnings: tuple[str, ...]

    @property
    def usable(self) -> bool:
        """Whether the gateway may sign with it."""
        return not self.refusals

    @property
    def long_short(self) -> bool:
        """Whether the account holds long and short positions apart."""
        return self.position_mode == "long/short"

    @property
    def portfolio_margin(self) -> bool:
        """Whether OKX takes all of a batch or nothing; assumed where its word is new."""
        return self.account_level not in _LEVELS_OF_SINGLE_ORDERS


def judge_credential(
    config: Mapping[str, Any], *, credential: Environment, gateway: Environment
) -> CredentialVerdict:
    """Judge a credential by data[0] of GET /api/v5/account/config, read with it.

    `credential` is the environment it was filed under, `gateway` the one the gateway runs in. What
    cannot be read is refused: not knowing what a key may do is no reason to use it.
    """
    uid = _text(config, "uid")
    permissions = _list(config, "perm")
    addresses = _list(config, "ip")
    refusals = []
    if credential is not gateway:
        refusals.append(f"it is a {credential} key and the gateway runs {gateway}")
    if not permissions:
        refusals.append("OKX does not say what the key may do")
    if not uid:
        refusals.append("OKX does not say whose key it is")
    if "withdraw" in permissions:
        refusals.append("the key may withdraw; make one at OKX that may only read and trade")
    warnings = []
    if permissions and "trade" not in permissions:
        warnings.append("the key may not trade: reading works, every order will be refused")
    if credential is Environment.LIVE and not addresses:
        warnings.append(_unbound(trades="trade" in permissions))
    level, mode = _text(config, "acctLv"), _text(config, "posMode")
    return CredentialVerdict(
        uid=uid,
        account_level=_ACCOUNT_LEVELS.get(level, level),
        position_mode=_POSITION_MODES.get(mode, mode),
        permissions=frozenset(permissions),
        addresses=addresses,
        refusals=tuple(refusals),
        warnings=tuple(warnings),
    )


def advice_on(okx_code: str) -> str:
    """Say what to do where OKX refuses a key with this code; empty where that is not known."""
    return _ADVICE.get(okx_code, "")


def _unbound(*, trades: bool) -> str:
    lapse = ", and OKX deletes it after 14 days without use" if trades else ""
    return (
        f"the key is bound to no IP address: whoever gets it can use it from anywhere{lapse}; "
        "bind it to the address that the gateway calls from"
    )


def _text(config: Mapping[str, Any], name: str) -> str:
    value = config.get(name)
    return value if isinstance(value, str) else ""


def _list(config: Mapping[str, Any], name: str) -> tuple[str, ...]:
    return tuple(part.strip() for part in _text(config, name).split(",") if part.strip())
