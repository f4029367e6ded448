"""Which texts are right for a setting that is neither a number nor a word from a list?  Pure.

Every function here takes the text and returns the value, or raises ValueError with a message that
completes the sentence "the setting ...".
"""

import base64
import binascii
import re
from urllib.parse import SplitResult, urlsplit

from pydantic import SecretStr

from okx_gateway.ledger.caller_shares import caller_shares_from
from okx_gateway.settings.listen_address import (
    ListenAddress,
    is_loopback,
    parse_listen_address,
)

_REDIS_SCHEMES = ("redis", "rediss", "unix")
_SENTINEL_SCHEMES = ("redis+sentinel", "rediss+sentinel")
_CLUSTER_SCHEMES = ("redis+cluster", "rediss+cluster")
_FAMILY = re.compile(r"[A-Z0-9]{1,16}-[A-Z0-9]{1,16}(?:_[A-Z]{1,8})?")  # such as BTC-USD
_KEY_LENGTH_BYTES = 32
_LABEL = re.compile(r"[A-Za-z0-9][A-Za-z0-9._:-]{0,63}")


def redis_url(text: str) -> str:
    """A URL that redis-py reads; empty where none is given."""
    if text:
        parts = _split(text)
        if parts.scheme in (*_SENTINEL_SCHEMES, *_CLUSTER_SCHEMES):
            return _several(text, parts)
        if parts.scheme not in _REDIS_SCHEMES:
            raise ValueError(
                "must begin with redis://, rediss://, unix://, redis+sentinel:// or redis+cluster://"
            )
        if not (parts.path if parts.scheme == "unix" else parts.hostname):
            raise ValueError("must name a host, or for unix:// the path of a socket")
    return text


def _several(text: str, parts: SplitResult) -> str:
    for host in parts.netloc.rpartition("@")[2].split(","):
        try:
            named = urlsplit(f"//{host}")
            complete = bool(named.hostname) and (named.port or 1) > 0
        except ValueError:
            complete = False
        if not complete:
            raise ValueError("must name HOST:PORT of each server, with commas between")
    if parts.scheme in _SENTINEL_SCHEMES and not parts.path.strip("/"):
        raise ValueError("must name the service after the hosts, as in HOST:PORT,HOST:PORT/SERVICE")
    return text


def caller_shares(text: str) -> str:
    """Shares of callers, as `ledger/caller_shares.py` reads them."""
    caller_shares_from(text)
    return text


def rest_url(text: str) -> str:
    """An origin, https unless it is this machine's own."""
    parts = _exchange_url(text, secure="https", plain="http")
    if parts.path not in {"", "/"}:
        raise ValueError("must end after the host and port")
    return text.rstrip("/")


def ws_url(text: str) -> str:
    """A WebSocket URL, wss unless it is this machine's own."""
    _exchange_url(text, secure="wss", plain="ws")
    return text


def listen_address(text: object) -> ListenAddress | None:
    """An address to listen on; None where it is empty."""
    if isinstance(text, ListenAddress) or text is None:
        return text
    return parse_listen_address(str(text)) if text else None


def option_families(text: object) -> tuple[str, ...]:
    """Instrument families, separated by commas."""
    parts = text if isinstance(text, tuple) else tuple(str(text).split(","))
    families = tuple(dict.fromkeys(part.strip() for part in parts if part.strip()))
    for family in families:
        if not _FAMILY.fullmatch(family):
            raise ValueError(f"must be instrument families with commas between, {family!r} is none")
    return families


def label(text: str) -> str:
    """A short name that can be part of a Redis key."""
    if not _LABEL.fullmatch(text):
        raise ValueError("must be 1 to 64 of letters, digits and . _ : -")
    return text


def vault_key(secret: SecretStr | None) -> SecretStr | None:
    """32 bytes in base64."""
    if secret is not None:
        try:
            length = len(base64.b64decode(secret.get_secret_value(), validate=True))
        except (binascii.Error, ValueError):
            length = 0
        if length != _KEY_LENGTH_BYTES:
            raise ValueError(f"must be {_KEY_LENGTH_BYTES} bytes in base64")
    return secret


def lower_case(text: object) -> object:
    """A word from a list, in either case."""
    return text.lower() if isinstance(text, str) else text


def without_password(text: str) -> str:
    """A URL as it may be shown."""
    try:
        parts = urlsplit(text)
        if not (parts.password or parts.username or parts.query):
            return text
        place = parts.netloc.rpartition("@")[2]
    except ValueError:
        return "***"
    return f"{parts.scheme}://***@{place}{parts.path}"


def _exchange_url(text: str, *, secure: str, plain: str) -> SplitResult:
    parts = _split(text)
    if parts.scheme not in {secure, plain} or not parts.hostname:
        raise ValueError(f"must begin with {secure}:// and name a host")
    if parts.scheme == plain and not is_loopback(parts.hostname):
        raise ValueError(f"must be {secure}://, because {parts.hostname} is not this machine")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ValueError("must have no user, query or fragment")
    return parts


def _split(text: str) -> SplitResult:
    if not text.isascii() or not text.isprintable() or " " in text:
        raise ValueError("must be a URL in ASCII without spaces")
    try:
        parts = urlsplit(text)
        if parts.scheme not in (*_SENTINEL_SCHEMES, *_CLUSTER_SCHEMES):
            _ = parts.port
    except ValueError:
        raise ValueError("must be a URL") from None
    return parts
