"""Is a signed token to be believed, and what does it claim?  Pure.

The algorithm is one of a list, and of the kind of the key: a public key is never taken for a
shared secret, and a token cannot choose to be unsigned.
"""

import json
from collections.abc import Mapping
from typing import Any

import jwt
from jwt.exceptions import PyJWTError

TOKEN_LENGTH_MAX = 8_192
LEEWAY_S = 10
_KEYS_MAX = 100
_RSA_BITS_MIN = 2_048
_KEY_ID_LENGTH_MAX = 256
_ALGORITHMS = {
    "RSA": frozenset({"RS256", "RS384", "RS512", "PS256", "PS384", "PS512"}),
    "EC": frozenset({"ES256", "ES384", "ES512"}),
    "OKP": frozenset({"EdDSA"}),
}
_ALLOWED = frozenset().union(*_ALGORITHMS.values())
_NEEDED = ("exp", "iat", "iss", "aud", "sub")

Jwk = Mapping[str, Any]


class TokenRefusedError(Exception):
    """The token is not believed; `cause` is one of a few words, for the log."""

    def __init__(self, cause: str) -> None:
        super().__init__(cause)
        self.cause = cause


def keys_from_text(content: bytes) -> dict[str, Jwk]:
    """Read a JWK set: its keys for signatures by their ids; others are left out.

    Raises:
        ValueError: It is no set of keys, or has none that can be used.
    """
    try:
        rows = json.loads(content)["keys"]
        keys = {row["kid"]: row for row in rows[:_KEYS_MAX] if _usable(row)}
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError):
        raise ValueError("is not a JSON Web Key Set") from None
    if not keys:
        raise ValueError("has no key for signatures that has an id")
    return keys


def _usable(row: Jwk) -> bool:
    kinds = _ALGORITHMS.get(row["kty"])
    if kinds is None or not isinstance(row.get("kid"), str) or row.get("use", "sig") != "sig":
        return False
    algorithm = row.get("alg", min(kinds))
    if algorithm not in kinds:
        return False
    # The length of a modulus in base64url: six bits a letter.
    return row["kty"] != "RSA" or len(row["n"]) * 6 >= _RSA_BITS_MIN


def key_id_of(token: str) -> str:
    """The id of the key that a token says it is signed with.

    Raises:
        TokenRefusedError: It has none, or no algorithm that is allowed.
    """
    key_id = _header_of(token).get("kid")
    if not isinstance(key_id, str) or not 0 < len(key_id) <= _KEY_ID_LENGTH_MAX:
        raise TokenRefusedError("no key id")
    return key_id


def issuer_of(token: str) -> str:
    """Who a token says it is of, not verified: tells whose keys to verify it with.

    Raises:
        TokenRefusedError: It is no token, or does not say.
    """
    _header_of(token)
    try:
        claims = jwt.decode(token, options={"verify_signature": False})
    except (PyJWTError, ValueError, RecursionError):
        raise TokenRefusedError("no token") from None
    issuer = claims.get("iss")
    if not isinstance(issuer, str):
        raise TokenRefusedError("issuer")
    return issuer


def verified_claims(
    token: str, key: Jwk, *, issuer: str, audience: str, lifetime_s_max: int
) -> Mapping[str, Any]:
    """The claims of a token that is signed with `key`, is in force, and is meant for us.

    Raises:
        TokenRefusedError: It is not to be believed.
    """
    algorithm = _header_of(token)["alg"]
    if algorithm not in _ALGORITHMS[key["kty"]] or key.get("alg", algorithm) != algorithm:
        raise TokenRefusedError("algorithm")
    try:
        claims: dict[str, Any] = jwt.decode(
            token,
            jwt.PyJWK(dict(key), algorithm=algorithm),
            algorithms=[algorithm],
            audience=audience,
            issuer=issuer,
            leeway=LEEWAY_S,
            options={"require": list(_NEEDED)},
        )
    except (PyJWTError, ValueError, TypeError, RecursionError, OverflowError) as error:
        raise TokenRefusedError(type(error).__name__) from None
    if not 0 < float(claims["exp"]) - float(claims["iat"]) <= lifetime_s_max:
        raise TokenRefusedError("lifetime")
    return claims


def _header_of(token: str) -> Mapping[str, Any]:
    if len(token) > TOKEN_LENGTH_MAX or token.count(".") != 2:
        raise TokenRefusedError("no token")
    try:
        header = jwt.get_unverified_header(token)
    except (PyJWTError, ValueError, RecursionError):
        raise TokenRefusedError("no token") from None
    if not isinstance(header.get("alg"), str) or header["alg"] not in _ALLOWED:
        raise TokenRefusedError("algorithm")
    if "crit" in header:
        raise TokenRefusedError("critical header")
    return header
