"""Who is it, by what a connection and its headers present?  Touches the clock.

A token decides, or else the certificate. Where both tell of somebody, they have to tell of the
same. Whoever is refused is told so in the same words whatever is wrong; the log says more.
"""

import hashlib
import time
from collections import OrderedDict
from collections.abc import Iterable, Mapping
from typing import Protocol

import structlog

from okx_gateway import metric
from okx_gateway.access.identity_document import Issuer, Section
from okx_gateway.access.jwt_token import (
    LEEWAY_S,
    TOKEN_LENGTH_MAX,
    Jwk,
    TokenRefusedError,
    issuer_of,
    key_id_of,
    verified_claims,
)
from okx_gateway.access.peer_certificate import peer_names
from okx_gateway.domain.access_errors import UnauthenticatedError

_LOG = structlog.get_logger()
_REMEMBERED_MAX = 10_000
# For how long at most a key that its issuer has withdrawn is still believed through it.
_REMEMBERED_S = 60.0
# So that nobody floods the log; the counter has them all.
_LOG_PAUSE_S = 1.0
_SCHEME = "bearer "
_AUTHORIZATION, _CALLER = "authorization", "x-caller"

Headers = Iterable[tuple[str | bytes, str | bytes]]


class KeySource(Protocol):
    """The keys of an issuer."""

    async def key(self, key_id: str) -> Jwk | None:
        """The key of this id."""


class Identities:
    """Those whom `section` names; `keys` has the keys of its issuers by their names."""

    def __init__(self, section: Section, keys: Mapping[str, KeySource]) -> None:
        self._tokens = {bytes.fromhex(each.sha256): each.name for each in section.tokens}
        self._issuers = {each.issuer: each for each in section.jwt}
        listed = section.certificates
        self._by_spiffe_id = {each.spiffe_id: each.name for each in listed if each.spiffe_id}
        self._by_dns_name = {each.dns_name: each.name for each in listed if each.dns_name}
        self._by_claim = {
            each.issuer: {(named.claim, named.value): named.name for named in each.names}
            for each in section.jwt
        }
        self._keys = keys
        self._remembered: OrderedDict[bytes, tuple[str, float]] = OrderedDict()
        self._logged_s = -float("inf")

    async def name_of(self, headers: Headers, certificate: bytes | None) -> str:
        """Tell who calls; `certificate` is the one that TLS has verified, where there is one.

        Raises:
            UnauthenticatedError: It is nobody who is known, or not clearly one.
        """
        try:
            return await self._name_of(headers, certificate)
        except TokenRefusedError as error:
            metric.identity_refused(error.cause)
            now_s = time.monotonic()
            if now_s - self._logged_s >= _LOG_PAUSE_S:
                self._logged_s = now_s
                _LOG.warning("a caller is not authenticated", because=error.cause)
            raise UnauthenticatedError from None

    async def _name_of(self, headers: Headers, certificate: bytes | None) -> str:
        authorizations, said = _presented(headers)
        if len(authorizations) > 1 or len(said) > 1:
            raise TokenRefusedError("header twice")
        by_certificate = self._of_certificate(certificate) if certificate else ""
        by_token = await self._of_token(_bearer(authorizations[0])) if authorizations else ""
        name = by_token or by_certificate
        if not name:
            raise TokenRefusedError("certificate" if certificate else "nothing presented")
        if any(each != name for each in (by_certificate or name, *said)):
            raise TokenRefusedError("two names")
        return name

    def _of_certificate(self, certificate: bytes) -> str:
        names = peer_names(certificate)
        # A connection may outlive the certificate that it was opened with.
        if names is None or not names.from_s <= time.time() < names.until_s:
            return ""
        if names.spiffe_id:
            return self._by_spiffe_id.get(names.spiffe_id, "")
        found = {self._by_dns_name[each] for each in names.dns_names if each in self._by_dns_name}
        return found.pop() if len(found) == 1 else ""

    async def _of_token(self, token: str) -> str:
        digest = hashlib.sha256(token.encode()).digest()
        if (name := self._static(digest)) or (name := self._again(digest)):
            return name
        issuer = self._issuers.get(issuer_of(token))
        if issuer is None:
            raise TokenRefusedError("issuer")
        return await self._of_signed(token, digest, issuer)

    async def _of_signed(self, token: str, digest: bytes, issuer: Issuer) -> str:
        key = await self._keys[issuer.issuer].key(key_id_of(token))
        if key is None:
            raise TokenRefusedError("key")
        claims = verified_claims(
            token,
            key,
            issuer=issuer.issuer,
            audience=issuer.audience,
            lifetime_s_max=issuer.lifetime_s_max,
        )
        named = self._by_claim[issuer.issuer]
        found = {
            name
            for (claim, value), name in named.items()
            if isinstance(claims.get(claim), str) and claims[claim] == value
        }
        if len(found) != 1:
            raise TokenRefusedError("claims")
        name = found.pop()
        until_s = min(float(claims["exp"]) + LEEWAY_S, time.time() + _REMEMBERED_S)
        self._remembered[digest] = name, until_s
        if len(self._remembered) > _REMEMBERED_MAX:
            self._remembered.popitem(last=False)
        return name

    def _static(self, digest: bytes) -> str:
        # How long this takes tells of the hash alone, which helps nobody to a token.
        return self._tokens.get(digest, "")

    def _again(self, digest: bytes) -> str:
        name, until_s = self._remembered.get(digest, ("", 0.0))
        if name and time.time() >= until_s:
            del self._remembered[digest]
            return ""
        return name


def _presented(headers: Headers) -> tuple[list[str], list[str]]:
    """What the headers that tell of callers say."""
    found: dict[str, list[str]] = {_AUTHORIZATION: [], _CALLER: []}
    for key, value in headers:
        name = key.decode("latin-1") if isinstance(key, bytes) else key
        if name in found:
            text = value.decode("latin-1") if isinstance(value, bytes) else value
            found[name].append(text)
    return found[_AUTHORIZATION], found[_CALLER]


def _bearer(authorization: str) -> str:
    token = authorization[len(_SCHEME) :]
    if authorization[: len(_SCHEME)].lower() != _SCHEME or not 0 < len(token) <= TOKEN_LENGTH_MAX:
        raise TokenRefusedError("no bearer token")
    if not token.isascii() or not token.isprintable() or " " in token:
        raise TokenRefusedError("no bearer token")
    return token
