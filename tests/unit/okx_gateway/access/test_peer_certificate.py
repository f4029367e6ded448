import ssl

import pytest

from okx_gateway.access.peer_certificate import peer_names
from tests.support.identities import Authority

AUTHORITY = Authority()
RISK = "spiffe://example.org/ns/trading/sa/risk"


def test_names_are_read_from_both_forms() -> None:
    pem = AUTHORITY.issue(RISK, "a.example.org", "b.example.org").certificate
    der = ssl.PEM_cert_to_DER_cert(pem.decode())
    names = peer_names(pem)
    assert names is not None
    assert names == peer_names(der)
    assert names.spiffe_id == RISK
    assert names.dns_names == ("a.example.org", "b.example.org")
    assert names.from_s < names.until_s


@pytest.mark.parametrize(
    "uris", [(RISK, RISK + "2"), ("https://example.org/risk",), (RISK, "https://example.org")]
)
def test_a_spiffe_id_is_the_one_uri_or_none(uris: tuple[str, ...]) -> None:
    names = peer_names(AUTHORITY.issue(*uris).certificate)
    assert names is not None
    assert names.spiffe_id == ""


@pytest.mark.parametrize("content", [b"", b"x", b"-----BEGIN CERTIFICATE-----\nAA==\n"])
def test_what_is_no_certificate_is_of_nobody(content: bytes) -> None:
    assert peer_names(content) is None


def test_the_subject_names_nobody() -> None:
    assert peer_names(AUTHORITY.issue().certificate) is None
