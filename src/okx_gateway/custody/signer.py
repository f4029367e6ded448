"""Which requests may carry an account's signature, and what is it?

Pure. The only code that signs; it signs the members of `Endpoint` and nothing else, so that no
defect elsewhere can have a request signed that moves funds out.
Source: OKX docs v5, "Authentication" and "WebSocket", "Login".
"""

import base64
import hashlib
import hmac
import re
from collections.abc import Iterable
from dataclasses import dataclass

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signed_headers import SignedHeaders, SignedLogin
from okx_gateway.domain.errors import AccountUnknownError, CredentialUnusableError
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.signature import login_message, rest_message

_TIMESTAMP = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{3}Z", re.ASCII)
# What RFC 3986 allows in a query, such as ?ccy=BTC%2CETH.
_QUERY = re.compile(r"\?[A-Za-z0-9._~!$&'()*+,;=:@/?%-]{1,4096}")
_SIGNED = frozenset(endpoint for endpoint in Endpoint if endpoint.private)
_DEMO_HEADER = {"x-simulated-trading": "1"}


class SigningRefusedError(ValueError):
    """The request is not one that may be signed; nothing was signed."""


@dataclass(frozen=True, slots=True)
class SignerAccount:
    """What may be told of an account whose requests are signed."""

    account: str
    environment: Environment
    version: int
    key_fingerprint: str


class _SigningKey:
    """A credential made ready to sign with."""

    __slots__ = ("api_key", "environment", "fingerprint", "mac", "passphrase", "version")

    def __init__(self, credential: Credential) -> None:
        self.environment = credential.environment
        self.version = credential.version
        self.fingerprint = credential.fingerprint
        self.api_key, secret, self.passphrase = credential.reveal()
        # Keyed once; a copy per request is cheaper than the key schedule of a new one.
        self.mac = hmac.new(secret.encode(), digestmod=hashlib.sha256)

    def sign(self, message: bytes) -> str:
        mac = self.mac.copy()
        mac.update(message)
        return base64.b64encode(mac.digest()).decode()

    def __repr__(self) -> str:
        return f"<signing key {self.fingerprint}>"


class Signer:
    """Signs for accounts of one environment, each by its newest credential.

    Raises:
        SigningRefusedError: A credential is of another environment: it would sign a request for
            the wrong market.
    """

    def __init__(self, credentials: Iterable[Credential], *, environment: Environment) -> None:
        self._keys: dict[str, _SigningKey] = {}
        self._dropped: dict[str, str] = {}
        for credential in sorted(credentials, key=lambda each: each.version):
            if credential.environment is not environment:
                raise SigningRefusedError(
                    f"account {credential.account} has a {credential.environment} credential and "
                    f"the gateway runs {environment}"
                )
            self._keys[credential.account] = _SigningKey(credential)

    def __repr__(self) -> str:
        return f"<Signer for {len(self._keys)} accounts>"

    def accounts(self) -> tuple[SignerAccount, ...]:
        """Every account that can be signed for, by name."""
        return tuple(
            SignerAccount(account, key.environment, key.version, key.fingerprint)
            for account, key in sorted(self._keys.items())
        )

    def drop(self, account: str, cause: str) -> None:
        """Forget an account's key, because of `cause`; its requests are refused from here on."""
        if self._keys.pop(account, None) is not None:
            self._dropped[account] = cause

    def sign(
        self, account: str, endpoint: Endpoint, *, timestamp: str, request_path: str, body: bytes
    ) -> SignedHeaders:
        """Sign one request; exactly these bytes have to be sent.

        `timestamp` is OKX's clock as 2020-12-08T09:08:57.715Z, `request_path` the endpoint's path
        with the query, if any.

        Raises:
            SigningRefusedError: It is not a request of `endpoint`.
            AccountUnknownError: There is no such account.
            CredentialUnusableError: The account's key was dropped.
        """
        _check_request(endpoint, timestamp=timestamp, request_path=request_path, body=body)
        key = self._key(account)
        values = {
            "OK-ACCESS-KEY": key.api_key,
            "OK-ACCESS-SIGN": key.sign(
                rest_message(timestamp, endpoint.method, request_path, body)
            ),
            "OK-ACCESS-TIMESTAMP": timestamp,
            "OK-ACCESS-PASSPHRASE": key.passphrase,
        }
        if key.environment is Environment.DEMO:
            values |= _DEMO_HEADER
        return SignedHeaders(values)

    def sign_login(self, account: str, *, timestamp_s: int) -> SignedLogin:
        """Sign a login over the private WebSocket at `timestamp_s`, seconds of OKX's clock.

        Raises:
            AccountUnknownError: There is no such account.
            CredentialUnusableError: The account's key was dropped.
        """
        key = self._key(account)
        return SignedLogin(
            {
                "apiKey": key.api_key,
                "passphrase": key.passphrase,
                "timestamp": str(timestamp_s),
                "sign": key.sign(login_message(timestamp_s)),
            }
        )

    def _key(self, account: str) -> _SigningKey:
        key = self._keys.get(account)
        if key is not None:
            return key
        if account in self._dropped:
            raise CredentialUnusableError(account, self._dropped[account])
        raise AccountUnknownError(account)


def _check_request(endpoint: Endpoint, *, timestamp: str, request_path: str, body: bytes) -> None:
    """Refuse whatever could be read as another request than one of `endpoint`.

    What is signed has no separators: a body of "-algo..." behind the path of an order would also be
    a signature for the path of an algo order. Hence the form of every part is checked.
    """
    if endpoint not in _SIGNED:
        raise SigningRefusedError("only private endpoints are signed")
    if not _TIMESTAMP.fullmatch(timestamp):
        raise SigningRefusedError(f"{endpoint.name}: not a timestamp")
    path, query = request_path[: len(endpoint.path)], request_path[len(endpoint.path) :]
    if path != endpoint.path or (query and not _QUERY.fullmatch(query)):
        raise SigningRefusedError(f"{endpoint.name}: not its path")
    if endpoint.method == "GET":
        if body:
            raise SigningRefusedError(f"{endpoint.name}: a GET has no body")
    elif query or body[:1] not in (b"{", b"["):
        raise SigningRefusedError(f"{endpoint.name}: not a JSON body on the bare path")
