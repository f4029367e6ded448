import hashlib

import pytest

from okx_gateway.access.identity_document import IdentityError, document_from_text

HASH = hashlib.sha256(b"t").hexdigest()
GOOD = f"""
callers:
  tokens:
    - {{name: web, sha256: {HASH}}}
  jwt:
    - issuer: https://issuer.example
      audience: okx-gateway
      names:
        - {{value: "system:serviceaccount:trading:algo", name: algo}}
        - {{claim: email, value: "ops@example.org", name: web}}
  certificates:
    - {{spiffe_id: "spiffe://example.org/ns/trading/sa/risk", name: risk}}
    - {{dns_name: risk.example.org, name: risk}}
operators:
  certificates:
    - {{spiffe_id: "spiffe://example.org/ops", name: ops}}
"""


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(IdentityError) as wrong:
        document_from_text(text.encode())
    return wrong.value.problems


def test_all_ways_to_be_known_are_read() -> None:
    document = document_from_text(GOOD.encode())
    assert document.callers.names() == {"web", "algo", "risk"}
    assert document.operators.names() == {"ops"}
    assert document.callers.jwt[0].names[0].claim == "sub"


@pytest.mark.parametrize(
    ("right", "wrong", "words"),
    [
        (HASH, HASH.upper(), "callers.tokens.0.sha256: String should match"),
        (HASH, HASH[:-1], "callers.tokens.0.sha256"),
        ("name: web, sha", "name: Web, sha", "callers.tokens.0.name"),
        ("name: web, sha", "token: secret, name: web, sha", "Extra inputs"),
        ("https://issuer", "http://issuer", "jwks_url or jwks_path"),
        ("audience: okx-gateway", "lifetime_s_max: 600", "audience: Field required"),
        ("audience: okx-gateway", "audience: 7", "valid string"),
        ("audience: okx-gateway", "audience: a\n      lifetime_s_max: 90000", "86400"),
        (
            "audience: okx-gateway",
            "audience: a\n      jwks_url: http://keys.example/",
            "must be an https URL",
        ),
        (
            "audience: okx-gateway",
            "audience: a\n      jwks_path: /k\n      jwks_url: https://k.example/",
            "must be left out",
        ),
        ("spiffe://example.org/ns", "https://example.org/ns", "spiffe_id: String should match"),
        ("spiffe://example.org/ops", "spiffe://example.org", "spiffe_id: String should match"),
        ("{dns_name: risk.example.org, name", "{name", "either spiffe_id or dns_name"),
        ("name: ops", "name: web", "must not be both a caller and an operator"),
        ("/ops", "/ns/trading/sa/risk", "must not stand there twice"),
        ("operators:", "callers:", "a key stands there twice"),
        ("operators:", "operator:", "Extra inputs"),
    ],
)
def test_what_is_wrong_is_told(right: str, wrong: str, words: str) -> None:
    assert right in GOOD
    assert words in " ".join(problems(GOOD.replace(right, wrong, 1)))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    assert len(problems(GOOD.replace(HASH, "x").replace("audience", "aud"))) == 3


@pytest.mark.parametrize(
    "text",
    [
        *("", "7", "[", "{}", "callers: {}", "a: &a [*a]", "\x00"),
        *("callers: !!bool maybe", "? [a, b]\n: c", "callers: 2026-02-30"),
    ],
)
def test_what_names_nobody_is_refused(text: str) -> None:
    assert problems(text)


def test_a_document_has_a_bound() -> None:
    assert "at most" in problems("#" * (1 << 20) + "\n")[0]
