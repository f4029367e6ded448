"""The signatures were made by the openssl command line, from messages as OKX describes them."""

import base64
import hashlib
import hmac

import pytest

from okx_gateway.okx.signature import login_message, rest_message, timestamp_text

SECRET = b"an example secret"
TIMESTAMP = "2020-12-08T09:08:57.715Z"


def signed(message: bytes) -> str:
    return base64.b64encode(hmac.new(SECRET, message, hashlib.sha256).digest()).decode()


def test_a_request_with_a_query_is_signed_with_it() -> None:
    message = rest_message(TIMESTAMP, "GET", "/api/v5/account/balance?ccy=BTC", b"")
    assert signed(message) == "OhtzNzrSqgy9q1LrjCP8qF97Jm+C5lntWZOaul+OH4M="


def test_a_request_with_a_body_is_signed_with_it() -> None:
    body = (
        b'{"instId":"BTC-USDT","tdMode":"cash","side":"buy","ordType":"limit","px":"2.15","sz":"2"}'
    )
    message = rest_message(TIMESTAMP, "POST", "/api/v5/trade/order", body)
    assert signed(message) == "IpjUqy6ofGXYe7PRwd6E76NcHBst0B3bZCQIsoagq94="


def test_a_login_is_signed_with_whole_seconds() -> None:
    assert signed(login_message(1538054050)) == "NkCpTWLa+Ht7h9AuUCddzpfFhNDCil+mDQI8W5zSTKU="


def test_a_body_is_signed_byte_for_byte() -> None:
    assert rest_message("t", "POST", "/p", b"\xff\x00") == b"tPOST/p\xff\x00"


@pytest.mark.parametrize(
    ("exchange_ms", "text"),
    [
        (1607418537715, TIMESTAMP),
        (1607418537005, "2020-12-08T09:08:57.005Z"),
        (1607418537000, "2020-12-08T09:08:57.000Z"),
        (1709164800000, "2024-02-29T00:00:00.000Z"),
        (0, "1970-01-01T00:00:00.000Z"),
    ],
)
def test_a_time_is_written_in_utc_with_three_digits_of_milliseconds(
    exchange_ms: int, text: str
) -> None:
    assert timestamp_text(exchange_ms) == text
