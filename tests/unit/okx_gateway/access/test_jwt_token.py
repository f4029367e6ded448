import json
import time
from typing import Any

import pytest

from okx_gateway.access.jwt_token import (
    TokenRefusedError,
    issuer_of,
    key_id_of,
    keys_from_text,
    verified_claims,
)
from tests.support.identities import AUDIENCE, ISSUER, SUBJECT, Signer, forged

SIGNER = Signer()
KEYS = keys_from_text(json.dumps(SIGNER.jwks()).encode())
FORGED = forged(SIGNER)
# Of these the signature is good: who they are of, or which key to ask for, is decided elsewhere.
NAMED_BY_OTHERS = {"another subject", "a longer subject"}


def read(token: str) -> Any:
    assert issuer_of(token)
    key = KEYS.get(key_id_of(token))
    if key is None:
        raise TokenRefusedError("key")
    return verified_claims(token, key, issuer=ISSUER, audience=AUDIENCE, lifetime_s_max=7_200)


@pytest.mark.parametrize("algorithm", ["RS256", "PS256", "ES256", "EdDSA"])
def test_a_token_by_any_kind_of_key_is_read(algorithm: str) -> None:
    assert read(SIGNER.token(algorithm))["sub"] == SUBJECT


def test_clocks_may_differ_by_some_seconds() -> None:
    now_s = int(time.time())
    assert read(SIGNER.token(iat=now_s + 5, nbf=now_s + 5))
    assert read(SIGNER.token(iat=now_s - 600, nbf=None, exp=now_s - 5))


@pytest.mark.parametrize("what", sorted(FORGED.keys() - NAMED_BY_OTHERS))
def test_a_forged_token_is_refused(what: str) -> None:
    with pytest.raises(TokenRefusedError):
        read(FORGED[what])


def test_there_are_fifty_ways_to_forge() -> None:
    assert len(FORGED) >= 50


def test_a_key_for_one_algorithm_takes_no_other() -> None:
    key = {**KEYS["RS256"], "alg": "RS512"}
    with pytest.raises(TokenRefusedError):
        verified_claims(SIGNER.token(), key, issuer=ISSUER, audience=AUDIENCE, lifetime_s_max=7_200)


@pytest.mark.parametrize(
    "change",
    [
        {"kty": "oct", "k": "c2VjcmV0"},
        {"use": "enc"},
        {"kid": None},
        {"kid": 7},
        {"alg": "HS256"},
        {"alg": "none"},
        {"n": "AQAB"},
    ],
)
def test_a_key_that_is_not_for_signatures_is_left_out(change: dict[str, Any]) -> None:
    good = SIGNER.jwks()["keys"]
    wrong = {**good[0], **change}
    assert set(keys_from_text(json.dumps({"keys": [wrong, *good[1:]]}).encode())) == {
        "ES256",
        "EdDSA",
    }
    with pytest.raises(ValueError, match="no key for signatures"):
        keys_from_text(json.dumps({"keys": [wrong]}).encode())


@pytest.mark.parametrize(
    "content", [b"", b"[]", b"{}", b'{"keys": 7}', b'{"keys": [7]}', b"[" * 9_999, b"\xff"]
)
def test_what_is_no_set_of_keys_is_refused(content: bytes) -> None:
    with pytest.raises(ValueError, match="not a JSON Web Key Set"):
        keys_from_text(content)
