import hashlib
import json
import time
from collections.abc import Mapping

import pytest
from structlog.testing import capture_logs

from okx_gateway.access.identity import Identities
from okx_gateway.access.identity_document import Section
from okx_gateway.access.jwt_token import Jwk, keys_from_text
from okx_gateway.domain.access_errors import UnauthenticatedError
from tests.support.identities import AUDIENCE, ISSUER, SUBJECT, Authority, Signer, forged

SIGNER, AUTHORITY = Signer(), Authority()
STATIC = "s3cret-token-of-high-entropy"
RISK = "spiffe://example.org/ns/trading/sa/risk"
SECTION = Section.model_validate(
    {
        "tokens": [{"name": "web", "sha256": hashlib.sha256(STATIC.encode()).hexdigest()}],
        "jwt": [
            {
                "issuer": ISSUER,
                "audience": AUDIENCE,
                "names": [
                    {"value": SUBJECT, "name": "algo"},
                    {"claim": "team", "value": "risk", "name": "risk"},
                ],
            }
        ],
        "certificates": [
            {"spiffe_id": RISK, "name": "risk"},
            {"dns_name": "algo.example.org", "name": "algo"},
        ],
    }
)
FORGED = forged(SIGNER)


class Keys:
    def __init__(self) -> None:
        self.keys: Mapping[str, Jwk] = keys_from_text(json.dumps(SIGNER.jwks()).encode())
        self.asked = 0

    async def key(self, key_id: str) -> Jwk | None:
        self.asked += 1
        return self.keys.get(key_id)


def identities(keys: Keys | None = None) -> Identities:
    return Identities(SECTION, {ISSUER: keys or Keys()})


def bearer(token: str) -> list[tuple[str | bytes, str | bytes]]:
    return [("authorization", f"Bearer {token}")]


async def test_each_way_tells_who_it_is() -> None:
    known = identities()
    assert await known.name_of(bearer(STATIC), None) == "web"
    assert await known.name_of([(b"authorization", f"bearer {STATIC}".encode())], None) == "web"
    assert await known.name_of(bearer(SIGNER.token("ES256")), None) == "algo"
    assert await known.name_of(bearer(SIGNER.token(sub="x", team="risk")), None) == "risk"
    assert await known.name_of([], AUTHORITY.issue(RISK).certificate) == "risk"
    assert await known.name_of([], AUTHORITY.issue("algo.example.org").certificate) == "algo"


async def test_ways_that_agree_are_one_and_may_be_said() -> None:
    certificate = AUTHORITY.issue("algo.example.org").certificate
    headers = [*bearer(SIGNER.token()), ("x-caller", "algo")]
    assert await identities().name_of(headers, certificate) == "algo"
    # A certificate of the mesh, which says nothing here.
    unknown = AUTHORITY.issue("spiffe://example.org/mesh").certificate
    assert await identities().name_of(bearer(STATIC), unknown) == "web"


async def refused(
    headers: list[tuple[str | bytes, str | bytes]], certificate: bytes | None = None
) -> str:
    with pytest.raises(UnauthenticatedError) as error:
        await identities().name_of(headers, certificate)
    assert error.value.metadata == {}
    return error.value.message


@pytest.mark.parametrize("what", FORGED)
async def test_a_forged_token_is_refused(what: str) -> None:
    assert await refused(bearer(FORGED[what])) == UnauthenticatedError().message


@pytest.mark.parametrize(
    "headers",
    [
        [],
        [("x-caller", "web")],
        [("authorization", STATIC)],
        [("authorization", "Bearer ")],
        [("authorization", f"Basic {STATIC}")],
        [("authorization", f"Bearer  {STATIC}")],
        [("authorization", f"Bearer {STATIC} ")],
        [("authorization", f"Bearer {STATIC}\n")],
        [("authorization", f"Bearer {STATIC[:-1]}")],
        [("authorization", f"Bearer {STATIC}x")],
        [("authorization", f"Bearer {STATIC.upper()}")],
        [("authorization", f"Bearer {STATIC}, Bearer {STATIC}")],
        [("authorization", f"Bearer {hashlib.sha256(STATIC.encode()).hexdigest()}")],
        [(b"authorization", b"Bearer \xff\xfe")],
        bearer(STATIC) * 2,
        [*bearer(STATIC), ("x-caller", "algo")],
        [*bearer(STATIC), ("x-caller", "web"), ("x-caller", "web")],
        [*bearer(STATIC), ("x-caller", "")],
        [("x-forwarded-client-cert", f"URI={RISK}")],
    ],
)
async def test_wrong_headers_are_refused(headers: list[tuple[str | bytes, str | bytes]]) -> None:
    assert await refused(headers) == UnauthenticatedError().message


@pytest.mark.parametrize(
    ("names", "from_days", "days"),
    [
        ((), -1, 1),
        (("",), -1, 1),
        (("spiffe://other.org/ns/trading/sa/risk",), -1, 1),
        ((f"{RISK}/more",), -1, 1),
        ((RISK, "spiffe://example.org/2"), -1, 1),
        (("example.org",), -1, 1),
        ((RISK,), -2, -1),
        ((RISK,), 1, 2),
        (("spiffe://example.org/x", "algo.example.org"), -1, 1),
    ],
)
async def test_a_certificate_that_names_nobody_is_refused(
    names: tuple[str, ...], from_days: float, days: float
) -> None:
    shown = AUTHORITY.issue(*names, from_days=from_days, days=days)
    assert await refused([], shown.certificate) == UnauthenticatedError().message


async def test_two_ways_that_tell_of_two_are_refused() -> None:
    certificate = AUTHORITY.issue(RISK).certificate
    assert await refused(bearer(STATIC), certificate)
    # Nor does a good certificate help a wrong token.
    assert await refused(bearer(STATIC + "x"), certificate)
    assert await refused(bearer(SIGNER.token(team="risk")))


async def test_a_token_is_verified_once_and_again_after_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    keys = Keys()
    known, token = identities(keys), SIGNER.token()
    for _ in range(3):
        assert await known.name_of(bearer(token), None) == "algo"
    assert keys.asked == 1
    now_s = time.time()
    monkeypatch.setattr(time, "time", lambda: now_s + 61)
    keys.keys = {}
    with pytest.raises(UnauthenticatedError):
        await known.name_of(bearer(token), None)


async def test_a_remembered_token_ends_with_its_time(monkeypatch: pytest.MonkeyPatch) -> None:
    now_s = int(time.time())
    keys = Keys()
    known, token = identities(keys), SIGNER.token(iat=now_s - 60, nbf=None, exp=now_s + 20)
    assert await known.name_of(bearer(token), None) == "algo"
    monkeypatch.setattr(time, "time", lambda: now_s + 31.0)
    keys.keys = {}
    with pytest.raises(UnauthenticatedError):
        await known.name_of(bearer(token), None)


async def test_the_log_tells_why_and_is_not_flooded_and_has_no_token() -> None:
    known = identities()
    with capture_logs() as logs:
        for what in FORGED:
            with pytest.raises(UnauthenticatedError):
                await known.name_of(bearer(FORGED[what]), None)
    assert 1 <= len(logs) <= 5
    assert logs[0]["because"]
    assert not any(part in str(logs) for part in SIGNER.token().split("."))
