"""Who sends this request, and may they? Pure.

Source: OKX docs, 'REST Authentication' and 'WebSocket / Login'.
"""

import base64
import hmac
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from ipaddress import ip_address

from okx_simulator.account.accounts_file import KEY_PATTERN, AccountSettings, ApiKey, Permission
from okx_simulator.error_code import RefusedError

TOLERANCE_MS = 30_000
UNUSED_US_MAX = 14 * 86_400_000_000
LOGIN_PATH = "/users/self/verify"


@dataclass(frozen=True, slots=True)
class Identity:
    """A key that was proven, and the account it belongs to."""

    uid: str
    key: ApiKey


@dataclass(frozen=True, slots=True)
class RestRequest:
    """What the signature and the key's conditions depend on.

    `headers` has lower-case names; `target` is the path with its query string as it was sent.
    """

    method: str
    target: str
    body: bytes
    headers: Mapping[str, str]
    remote_ip: str


class Keys:
    """Every key of the exchange, with its account.

    A live key that may trade or withdraw and is bound to no IP dies when it has not been used for
    14 days. Signing a REST request and logging in count as use; what a socket sends later does not.
    """

    def __init__(self, accounts: tuple[AccountSettings, ...]) -> None:
        self._by_key = {
            key.key: Identity(uid=account.uid, key=key)
            for account in accounts
            for key in account.keys
        }
        # When each key was used last; those not used yet count from the first look for any.
        self._used_us: dict[str, int] = {}
        self._since_us: int | None = None

    def find(self, key: str, now_us: int) -> Identity | None:
        """Return the identity behind a key, None where OKX has no such key, or has one no more."""
        if self._since_us is None:
            self._since_us = now_us
        identity = self._by_key.get(key)
        unused_us = now_us - self._used_us.get(key, self._since_us)
        if identity is not None and unused_us > UNUSED_US_MAX and _lapses(identity.key):
            self.revoke(key)
            return None
        return identity

    def note_use(self, identity: Identity, now_us: int) -> None:
        """Note that whoever holds a key has proven it."""
        self._used_us[identity.key.key] = now_us

    def revoke(self, key: str) -> bool:
        """Forget a key, as its owner's deleting it does; return whether it existed."""
        return self._by_key.pop(key, None) is not None


def signature(secret: str, text: bytes) -> str:
    """Return base64(HMAC-SHA256(secret, text))."""
    return base64.b64encode(hmac.digest(secret.encode(), text, "sha256")).decode()


def check_rest(request: RestRequest, keys: Keys, permission: Permission, now_us: int) -> Identity:
    """Return who signed the request.

    Raises:
        RefusedError: The code OKX answers with; the request has no effect.
    """
    key_text = _header(request, "ok-access-key", "50103")
    passphrase = _header(request, "ok-access-passphrase", "50104")
    sign = _header(request, "ok-access-sign", "50106")
    timestamp = _header(request, "ok-access-timestamp", "50107")
    _check_age(_parse_iso(timestamp), now_us)
    if not KEY_PATTERN.fullmatch(key_text):
        raise RefusedError("50111")
    identity = keys.find(key_text, now_us)
    if identity is None:
        raise RefusedError("50119")
    _check_environment(request, identity.key)
    text = _bytes(f"{timestamp}{request.method}{request.target}") + request.body
    if not _is_same(signature(identity.key.secret, text), sign):
        raise RefusedError("50113")
    if not _is_same(identity.key.passphrase, passphrase):
        raise RefusedError("50105")
    check_ip(identity.key, request.remote_ip)
    if permission not in identity.key.permissions and permission != "read_only":
        raise RefusedError("50120")
    keys.note_use(identity, now_us)
    return identity


@dataclass(frozen=True, slots=True)
class Login:
    """The argument of a WebSocket login, and where it comes from."""

    api_key: str
    passphrase: str
    timestamp: str
    sign: str
    remote_ip: str


def check_login(login: Login, keys: Keys, now_us: int) -> Identity:
    """Return who logs in.

    Raises:
        LoginRefusedError: The WebSocket code that OKX answers with; the socket is not logged in.
    """
    if not (login.timestamp.isascii() and login.timestamp.isdigit()):
        raise LoginRefusedError("60004", "Invalid timestamp")
    if abs(int(login.timestamp) * 1_000 - now_us // 1_000) > TOLERANCE_MS:
        raise LoginRefusedError("60006", "Timestamp request expired")
    identity = keys.find(login.api_key, now_us)
    if identity is None:
        raise LoginRefusedError("60005", "Invalid apiKey")
    text = f"{login.timestamp}GET{LOGIN_PATH}".encode()
    if not _is_same(signature(identity.key.secret, text), login.sign):
        raise LoginRefusedError("60007", "Invalid sign")
    if not _is_same(identity.key.passphrase, login.passphrase):
        raise LoginRefusedError("60024", "Wrong passphrase")
    check_ip(identity.key, login.remote_ip)
    keys.note_use(identity, now_us)
    return identity


class LoginRefusedError(Exception):
    """A login is refused with one of the codes that only exist on WebSockets."""

    def __init__(self, code: str, message: str) -> None:
        self.code = code
        self.message = message
        super().__init__(f"{code} {message}")


def check_ip(key: ApiKey, remote_ip: str) -> None:
    """Let pass an address that the key is bound to, or any where it is bound to none.

    Raises:
        RefusedError: 50110, the address is not on the key's list.
    """
    if key.ips and not _is_listed(key, remote_ip):
        raise RefusedError("50110", remote_ip)


def _lapses(key: ApiKey) -> bool:
    return not key.ips and not key.demo and bool({"trade", "withdraw"} & set(key.permissions))


def _is_listed(key: ApiKey, remote_ip: str) -> bool:
    try:
        address = ip_address(remote_ip)
    except ValueError:
        return False
    return any(address in network for network in key.ips)


def _bytes(text: str) -> bytes:
    """Return the bytes of a text from the wire, which need not have been UTF-8."""
    return text.encode(errors="surrogateescape")


def _is_same(mine: str, theirs: str) -> bool:
    return hmac.compare_digest(mine.encode(), _bytes(theirs))


def _header(request: RestRequest, name: str, code: str) -> str:
    value = request.headers.get(name, "")
    if not value:
        raise RefusedError(code)
    return value


def _parse_iso(timestamp: str) -> int:
    """Return ms since the epoch of a text such as 2020-12-08T09:08:57.715Z."""
    try:
        moment = datetime.strptime(timestamp, "%Y-%m-%dT%H:%M:%S.%fZ").replace(tzinfo=UTC)
    except ValueError:
        raise RefusedError("50112") from None
    return int(moment.timestamp() * 1_000)


def _check_age(sent_ms: int, now_us: int) -> None:
    if abs(now_us // 1_000 - sent_ms) > TOLERANCE_MS:
        raise RefusedError("50102")


def _check_environment(request: RestRequest, key: ApiKey) -> None:
    """Compare the demo header, which means demo only when it is 1, with the kind of the key."""
    if (request.headers.get("x-simulated-trading") == "1") != key.demo:
        raise RefusedError("50101")
