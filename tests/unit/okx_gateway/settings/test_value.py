import base64
from collections.abc import Callable

import pytest
from pydantic import SecretStr

from okx_gateway.settings import value


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (value.redis_url, ""),
        (value.redis_url, "redis://localhost:6379/0"),
        (value.redis_url, "rediss://user:pass@redis.internal:6380/1?ssl_cert_reqs=required"),
        (value.redis_url, "unix:///run/redis.sock"),
        (value.redis_url, "redis+sentinel://10.0.0.1:26379,10.0.0.2:26379,10.0.0.3:26379/ledger"),
        (value.redis_url, "redis+sentinel://user:pass@sentinel-0,sentinel-1:26380/ledger/2"),
        (value.redis_url, "redis+cluster://[::1]:7000,redis-1:7001"),
        (value.rest_url, "https://www.okx.com"),
        (value.rest_url, "http://127.0.0.1:9000"),
        (value.ws_url, "wss://ws.okx.com:8443/ws/v5/public"),
        (value.ws_url, "ws://[::1]:9000/ws/v5/public"),
        (value.label, "nat-eu-1"),
    ],
)
def test_a_right_text_stays_as_it_is(check: Callable[[str], str], text: str) -> None:
    assert check(text) == text


@pytest.mark.parametrize(
    ("check", "text"),
    [
        (value.redis_url, "http://localhost"),
        (value.redis_url, "redis://"),
        (value.redis_url, "unix://"),
        (value.redis_url, "localhost:6379"),
        (value.redis_url, "redis://local host"),
        (value.redis_url, "redis://host:port"),
        (value.redis_url, "redis://host:6379,other:6379"),
        (value.redis_url, "redis+sentinel://host:26379,other:port/ledger"),
        (value.redis_url, "redis+sentinel://host:26379,other:26379"),
        (value.redis_url, "redis+cluster://host:7000,"),
        (value.rest_url, "http://www.okx.com"),
        (value.rest_url, "http://localhost.evil.example"),
        (value.rest_url, "https://"),
        (value.rest_url, "https://www.okx.com/api"),
        (value.rest_url, "https://user:pass@www.okx.com"),
        (value.rest_url, "https://www.okx.com@evil.example"),
        (value.rest_url, "https://www.okx.com?x=1"),
        (value.rest_url, "https://www.okx.com#x"),
        (value.rest_url, "https://www.okx.com:99999"),
        (value.rest_url, "https://www.okx\n.com"),
        (value.rest_url, "https://www.ökx.com"),
        (value.rest_url, "https://[::1"),
        (value.ws_url, "ws://ws.okx.com:8443/ws/v5/public"),
        (value.ws_url, "https://ws.okx.com:8443/ws/v5/public"),
        (value.label, ""),
        (value.label, "two words"),
        (value.label, "{slot}"),
    ],
)
def test_a_wrong_text_is_refused(check: Callable[[str], str], text: str) -> None:
    with pytest.raises(ValueError, match=r"^must "):
        check(text)


def test_a_slash_at_the_end_of_a_host_is_nothing() -> None:
    assert value.rest_url("https://www.okx.com/") == "https://www.okx.com"


def test_families_read_from_a_list_with_commas() -> None:
    assert value.option_families(" BTC-USD, ETH-USD,,BTC-USD ") == ("BTC-USD", "ETH-USD")
    assert value.option_families("BTC-USD_UM") == ("BTC-USD_UM",)
    assert value.option_families("") == ()
    with pytest.raises(ValueError, match="btc-usd"):
        value.option_families("BTC-USD,btc-usd")


def test_a_vault_key_has_32_bytes() -> None:
    right = SecretStr(base64.b64encode(bytes(32)).decode())
    assert value.vault_key(right) is right
    assert value.vault_key(None) is None
    for wrong in ("", "short", base64.b64encode(bytes(33)).decode(), "é" * 44):
        with pytest.raises(ValueError, match="32 bytes"):
            value.vault_key(SecretStr(wrong))


@pytest.mark.parametrize(
    ("url", "shown"),
    [
        ("redis://localhost:6379/0", "redis://localhost:6379/0"),
        ("redis://:hunter2@localhost:6379/0", "redis://***@localhost:6379/0"),
        ("rediss://user:hunter2@host/1", "rediss://***@host/1"),
        ("redis://host/0?password=hunter2", "redis://***@host/0"),
        ("redis://:hunter2@[broken", "***"),
        ("hunter2:hunter2@host", "hunter2:hunter2@host"),
    ],
)
def test_a_url_is_shown_without_its_password(url: str, shown: str) -> None:
    assert value.without_password(url) == shown
