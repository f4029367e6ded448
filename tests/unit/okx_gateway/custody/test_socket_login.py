import json

import pytest

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer
from okx_gateway.custody.socket_login import socket_login
from okx_gateway.domain.errors import CredentialUnusableError, ExchangeUnavailableError


class FixedClock:
    def __init__(self, *, error_ms: int = 5) -> None:
        self._error_ms = error_ms

    def now_ms(self) -> int:
        return 1538054050975

    def error_ms(self) -> int:
        return self._error_ms


@pytest.fixture
def signer() -> Signer:
    # OKX docs v5, "WebSocket / Login": the example's words, with a secret of our own.
    credential = Credential(
        account="desk-7",
        environment=Environment.DEMO,
        version=1,
        secrets=("985d5b66-57ce-40fb-b714-afc0b9787083", "22582BD0CFF14C41", "123456"),
    )
    return Signer([credential], environment=Environment.DEMO)


def test_a_login_is_signed_with_the_second_of_okx(signer: Signer) -> None:
    frame = json.loads(socket_login(signer, FixedClock(), "desk-7")())
    assert frame["op"] == "login"
    [argument] = frame["args"]
    assert argument["timestamp"] == "1538054050"
    assert argument["apiKey"] == "985d5b66-57ce-40fb-b714-afc0b9787083"
    assert argument["passphrase"] == "123456"
    assert argument["sign"] == dict(signer.sign_login("desk-7", timestamp_s=1538054050))["sign"]


def test_nothing_is_signed_before_okx_told_its_time(signer: Signer) -> None:
    with pytest.raises(ExchangeUnavailableError):
        socket_login(signer, FixedClock(error_ms=10_000_000), "desk-7")()


def test_a_key_that_was_dropped_signs_nothing(signer: Signer) -> None:
    login = socket_login(signer, FixedClock(), "desk-7")
    signer.drop("desk-7", "it may withdraw")
    with pytest.raises(CredentialUnusableError):
        login()
