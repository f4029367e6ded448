import base64
import shutil
import subprocess

import pytest
from hypothesis import given
from hypothesis import strategies as st
from okx import utils as python_okx

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.signer import Signer, SigningRefusedError
from okx_gateway.domain.errors import AccountUnknownError, CredentialUnusableError
from okx_gateway.okx.endpoint import Endpoint

KEY, SECRET, PASSPHRASE = "b9a1c2d3-key", "22582BD0CFF14C41EDBF1AB98506286D", "Open Sesame/7"
TIMESTAMP = "2020-12-08T09:08:57.715Z"
BODY = b'{"instId":"BTC-USDT"}'


def a_credential(
    account: str = "desk-7",
    environment: Environment = Environment.DEMO,
    version: int = 1,
    key: str = KEY,
) -> Credential:
    return Credential(
        account=account,
        environment=environment,
        version=version,
        secrets=(key, SECRET, PASSPHRASE),
    )


def a_signer(*credentials: Credential) -> Signer:
    return Signer(credentials or (a_credential(),), environment=Environment.DEMO)


def sign(
    endpoint: Endpoint = Endpoint.GET_BALANCE,
    request_path: str = "/api/v5/account/balance?ccy=BTC",
    body: bytes = b"",
    timestamp: str = TIMESTAMP,
) -> dict[str, str]:
    return dict(
        a_signer().sign(
            "desk-7", endpoint, timestamp=timestamp, request_path=request_path, body=body
        )
    )


def test_it_signs_as_openssl_does() -> None:
    openssl = shutil.which("openssl")
    if openssl is None:
        pytest.skip("no openssl here")
    mac = subprocess.run(
        [openssl, "dgst", "-sha256", "-mac", "HMAC", "-macopt", f"key:{SECRET}", "-binary"],
        input=f"{TIMESTAMP}GET/api/v5/account/balance?ccy=BTC".encode(),
        capture_output=True,
        check=True,
        timeout=10,
    ).stdout
    assert sign() == {
        "OK-ACCESS-KEY": KEY,
        "OK-ACCESS-SIGN": base64.b64encode(mac).decode(),
        "OK-ACCESS-TIMESTAMP": TIMESTAMP,
        "OK-ACCESS-PASSPHRASE": PASSPHRASE,
        "x-simulated-trading": "1",
    }


def test_it_signs_an_order_as_okx_own_client_does() -> None:
    expected = python_okx.sign(
        python_okx.pre_hash(TIMESTAMP, "POST", "/api/v5/trade/order", BODY.decode()), SECRET
    )
    signed = sign(Endpoint.PLACE_ORDER, "/api/v5/trade/order", BODY)
    assert signed["OK-ACCESS-SIGN"] == expected.decode()


def test_it_signs_a_login_as_okx_own_client_does() -> None:
    expected = python_okx.sign("1538054050GET/users/self/verify", SECRET)
    login = a_signer().sign_login("desk-7", timestamp_s=1538054050)
    assert dict(login) == {
        "apiKey": KEY,
        "passphrase": PASSPHRASE,
        "timestamp": "1538054050",
        "sign": expected.decode(),
    }


def test_signing_twice_signs_alike() -> None:
    assert sign() == sign()


def test_a_live_request_is_not_marked_as_simulated() -> None:
    signer = Signer([a_credential(environment=Environment.LIVE)], environment=Environment.LIVE)
    signed = signer.sign(
        "desk-7",
        Endpoint.GET_BALANCE,
        timestamp=TIMESTAMP,
        request_path="/api/v5/account/balance",
        body=b"",
    )
    assert "x-simulated-trading" not in signed


def test_credentials_of_another_environment_are_refused() -> None:
    with pytest.raises(SigningRefusedError, match="runs live"):
        Signer([a_credential()], environment=Environment.LIVE)


def test_the_newest_version_signs() -> None:
    signer = a_signer(
        a_credential(version=2, key="newer-key"), a_credential(version=1, key="older-key")
    )
    assert signer.sign_login("desk-7", timestamp_s=1)["apiKey"] == "newer-key"
    (account,) = signer.accounts()
    assert (account.account, account.environment, account.version) == (
        "desk-7",
        Environment.DEMO,
        2,
    )


def test_listing_and_printing_show_no_secret() -> None:
    signer = a_signer()
    shown = f"{signer} {signer!r} {signer.accounts()} {vars(signer)}"
    assert "desk-7" in shown
    assert not any(secret in shown for secret in (KEY, SECRET, PASSPHRASE))


def test_an_unknown_account_is_told_so() -> None:
    with pytest.raises(AccountUnknownError):
        a_signer().sign_login("desk-8", timestamp_s=1)


def test_a_dropped_account_says_why_it_cannot_sign() -> None:
    signer = a_signer()
    signer.drop("desk-7", "the key may withdraw")
    signer.drop("desk-8", "never had")
    with pytest.raises(CredentialUnusableError, match="may withdraw"):
        signer.sign_login("desk-7", timestamp_s=1)
    with pytest.raises(AccountUnknownError):
        signer.sign_login("desk-8", timestamp_s=1)
    assert signer.accounts() == ()


@pytest.mark.parametrize("endpoint", [each for each in Endpoint if not each.private])
def test_a_public_endpoint_is_not_signed(endpoint: Endpoint) -> None:
    with pytest.raises(SigningRefusedError):
        sign(endpoint, endpoint.path)


def test_no_endpoint_moves_funds_out() -> None:
    paths = " ".join(endpoint.path for endpoint in Endpoint)
    assert not any(word in paths for word in ("withdraw", "transfer", "/asset/", "subaccount"))


@pytest.mark.parametrize(
    ("endpoint", "request_path", "body"),
    [
        (Endpoint.GET_BALANCE, "/api/v5/asset/withdrawal", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balances", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance/../../asset/withdrawal", b""),
        (Endpoint.GET_BALANCE, "https://evil.example/api/v5/account/balance", b""),
        (Endpoint.GET_BALANCE, "//evil.example/api/v5/account/balance", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance?", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance?a b", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance?a\r\nX: 1", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance?a#b", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance?a\n", b""),
        (Endpoint.GET_BALANCE, "/api/v5/account/balance", b"{}"),
        (Endpoint.PLACE_ORDER, "/api/v5/trade/order", b""),
        (Endpoint.PLACE_ORDER, "/api/v5/trade/order", b'-algo{"instId":"BTC-USDT"}'),
        (Endpoint.PLACE_ORDER, "/api/v5/trade/order?x=1", b"{}"),
        (Endpoint.PLACE_ORDER, "/api/v5/trade/order-algo", b"{}"),
        (Endpoint.GET_ORDER, "/api/v5/trade/orders-pending", b""),
        (Endpoint.GET_ORDERS_HISTORY, "/api/v5/trade/orders-history-archive", b""),
    ],
)
def test_a_request_that_could_be_another_one_is_refused(
    endpoint: Endpoint, request_path: str, body: bytes
) -> None:
    with pytest.raises(SigningRefusedError):
        sign(endpoint, request_path, body)


@pytest.mark.parametrize(
    "timestamp",
    ["", "1597026383.085", TIMESTAMP + "\n", TIMESTAMP + "GET/", "\uff12020" + TIMESTAMP[4:]],
)
def test_a_timestamp_of_another_form_is_refused(timestamp: str) -> None:
    with pytest.raises(SigningRefusedError):
        sign(timestamp=timestamp)


def test_only_members_of_the_enum_are_signed() -> None:
    with pytest.raises(SigningRefusedError):
        sign("GET_BALANCE")  # type: ignore[arg-type]


@given(st.text(max_size=80), st.binary(max_size=80))
def test_whatever_is_asked_the_signature_is_for_the_endpoint(suffix: str, body: bytes) -> None:
    """What OKX reads back from a signed message is the endpoint's method and path."""
    for endpoint in (endpoint for endpoint in Endpoint if endpoint.private):
        try:
            sign(endpoint, endpoint.path + suffix, body)
        except SigningRefusedError:
            continue
        message = (endpoint.path + suffix).encode() + body
        assert message[len(endpoint.path) :][:1] in (b"", b"?", b"{", b"[")
