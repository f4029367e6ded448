from collections.abc import Mapping
from contextlib import suppress
from ipaddress import ip_network
from typing import Any

import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS, AccountSettings, ApiKey
from okx_simulator.check import (
    Identity,
    Keys,
    Login,
    LoginRefusedError,
    RestRequest,
    check_ip,
    check_login,
    check_rest,
    signature,
)
from okx_simulator.error_code import RefusedError

NOW_US = 1_607_418_537_715_000
NOW = "2020-12-08T09:08:57.715Z"
KEY = DEFAULT_ACCOUNTS[0].keys[0]
DEMO = ApiKey(key="00000000-0000-4000-8000-000000000002", secret="s", passphrase="p", demo=True)
READER = ApiKey(
    key="00000000-0000-4000-8000-000000000003",
    secret="s",
    passphrase="p",
    permissions=("read_only",),
)
KEYS_OF_ALL = (DEFAULT_ACCOUNTS[0].model_copy(update={"keys": (KEY, DEMO, READER)}),)
KEYS = Keys(KEYS_OF_ALL)
TARGET = "/api/v5/account/balance?ccy=BTC"


def request(
    key: ApiKey = KEY,
    headers: Mapping[str, str] | None = None,
    *,
    method: str = "GET",
    body: bytes = b"",
) -> RestRequest:
    signed = {
        "ok-access-key": key.key,
        "ok-access-passphrase": key.passphrase,
        "ok-access-sign": signature(key.secret, f"{NOW}{method}{TARGET}".encode() + body),
        "ok-access-timestamp": NOW,
    }
    return RestRequest(method, TARGET, body, signed | dict(headers or {}), "127.0.0.1")


def code_of(asked: RestRequest, permission: Any = "read_only", now_us: int = NOW_US) -> str:
    with pytest.raises(RefusedError) as refused:
        check_rest(asked, KEYS, permission, now_us)
    return refused.value.code


def test_the_signature_is_that_of_the_published_recipe() -> None:
    # echo -n '2020-12-08T09:08:57.715ZGET/api/v5/account/balance?ccy=BTC' |
    #   openssl dgst -sha256 -hmac SIMULATORSECRET00000000000000001 -binary | base64
    text = f"{NOW}GET{TARGET}".encode()
    assert signature(KEY.secret, text) == "Fbm/Fe+r4YTYmXNGdqFXyD0/PcL/GckeOSDVLLCdVzY="


def test_a_signed_request_is_identified() -> None:
    identity = check_rest(request(), KEYS, "trade", NOW_US)
    assert (identity.uid, identity.key) == (DEFAULT_ACCOUNTS[0].uid, KEY)
    post = request(method="POST", body=b'{"a": 1}')
    assert check_rest(post, KEYS, "trade", NOW_US).key is KEY


@pytest.mark.parametrize(
    ("headers", "code"),
    [
        ({"ok-access-key": ""}, "50103"),
        ({"ok-access-passphrase": ""}, "50104"),
        ({"ok-access-sign": ""}, "50106"),
        ({"ok-access-timestamp": ""}, "50107"),
        ({"ok-access-timestamp": "1607418537.715"}, "50112"),
        ({"ok-access-timestamp": "2020-12-08T09:08:27.714Z"}, "50102"),
        ({"ok-access-timestamp": "2020-12-08T09:09:27.716Z"}, "50102"),
        ({"ok-access-key": "no-uuid"}, "50111"),
        ({"ok-access-key": "00000000-0000-4000-8000-000000000009"}, "50119"),
        ({"x-simulated-trading": "1"}, "50101"),
        ({"ok-access-sign": "AAAA"}, "50113"),
        ({"ok-access-sign": "ä\udcff"}, "50113"),
        ({"ok-access-passphrase": "wrong"}, "50105"),
    ],
)
def test_each_failure_has_its_code(headers: dict[str, str], code: str) -> None:
    assert code_of(request(headers=headers)) == code


def test_body_method_and_target_are_signed() -> None:
    good = request(method="POST", body=b"{}")
    for spoiled in (
        RestRequest("POST", TARGET, b"{} ", good.headers, good.remote_ip),
        RestRequest("GET", TARGET, b"{}", good.headers, good.remote_ip),
        RestRequest("POST", TARGET + "&x=1", b"{}", good.headers, good.remote_ip),
    ):
        assert code_of(spoiled) == "50113"


def test_thirty_seconds_are_tolerated_either_way() -> None:
    for shift_us in (-30_000_000, 30_000_000):
        assert check_rest(request(), KEYS, "read_only", NOW_US + shift_us).uid
    assert code_of(request(), now_us=NOW_US + 30_001_000) == "50102"


def test_a_demo_key_needs_the_demo_header() -> None:
    assert code_of(request(DEMO)) == "50101"
    assert code_of(request(DEMO, {"x-simulated-trading": "0"})) == "50101"
    assert check_rest(request(DEMO, {"x-simulated-trading": "1"}), KEYS, "trade", NOW_US).uid
    assert check_rest(request(KEY, {"x-simulated-trading": "0"}), KEYS, "trade", NOW_US).uid


def test_permissions_are_needed() -> None:
    assert check_rest(request(READER), KEYS, "read_only", NOW_US).uid
    assert code_of(request(READER), "trade") == "50120"
    assert code_of(request(), "withdraw") == "50120"


@pytest.mark.parametrize(
    ("ips", "address", "passes"),
    [
        ((), "203.0.113.9", True),
        (("203.0.113.9",), "203.0.113.9", True),
        (("203.0.113.0/24", "2001:db8::/32"), "2001:db8::1", True),
        (("203.0.113.0/24",), "203.0.114.1", False),
        (("203.0.113.0/24",), "2001:db8::1", False),
        (("203.0.113.0/24",), "", False),
    ],
)
def test_a_bound_key_works_from_its_addresses_only(
    ips: tuple[str, ...], address: str, *, passes: bool
) -> None:
    key = ApiKey.model_validate({**KEY.model_dump(), "ips": ips})
    if passes:
        check_ip(key, address)
        return
    with pytest.raises(RefusedError, match=f"50110 Your IP {address}"):
        check_ip(key, address)


def test_a_revoked_key_is_gone() -> None:
    account = AccountSettings(uid="1", keys=(KEY,))
    keys = Keys((account,))
    assert keys.find(KEY.key, NOW_US) == Identity("1", KEY)
    assert keys.revoke(KEY.key)
    assert not keys.revoke(KEY.key)
    with pytest.raises(RefusedError, match="50119"):
        check_rest(request(), keys, "read_only", NOW_US)


DAY_US = 86_400_000_000
BOUND = KEY.model_copy(update={"ips": (ip_network("10.0.0.0/8"),)})


@pytest.mark.parametrize(("key", "lapses"), [(KEY, 1), (READER, 0), (DEMO, 0), (BOUND, 0)])
def test_an_unbound_key_dies_of_disuse(key: ApiKey, lapses: int) -> None:
    keys, identity = Keys((AccountSettings(uid="1", keys=(key,)),)), Identity("1", key)
    assert keys.find(key.key, 0) == identity
    assert keys.find(key.key, 14 * DAY_US) == identity
    keys.note_use(identity, 14 * DAY_US)
    assert keys.find(key.key, 28 * DAY_US) == identity
    assert keys.find(key.key, 28 * DAY_US + 1) == (None if lapses else identity)


def test_only_what_is_proven_counts_as_use() -> None:
    for headers, alive in (({"ok-access-sign": "AAAA"}, False), ({}, True)):
        keys = Keys(KEYS_OF_ALL)
        keys.find(KEY.key, NOW_US - 10 * DAY_US)
        with suppress(RefusedError):
            check_rest(request(headers=headers), keys, "trade", NOW_US)
        assert (keys.find(KEY.key, NOW_US + 10 * DAY_US) is not None) == alive


def login(**changed: str) -> Login:
    seconds = str(NOW_US // 1_000_000)
    sign = signature(KEY.secret, f"{seconds}GET/users/self/verify".encode())
    given = {
        "api_key": KEY.key,
        "passphrase": KEY.passphrase,
        "timestamp": seconds,
        "sign": sign,
        "remote_ip": "127.0.0.1",
    }
    return Login(**given | changed)


def test_a_login_is_identified() -> None:
    assert check_login(login(), KEYS, NOW_US).uid == DEFAULT_ACCOUNTS[0].uid


@pytest.mark.parametrize(
    ("changed", "code"),
    [
        ({"timestamp": "soon"}, "60004"),
        ({"timestamp": "1607418500"}, "60006"),
        ({"api_key": "nobody"}, "60005"),
        ({"sign": "AAAA"}, "60007"),
        ({"passphrase": "wrong"}, "60024"),
    ],
)
def test_each_login_failure_has_its_code(changed: dict[str, str], code: str) -> None:
    with pytest.raises(LoginRefusedError) as refused:
        check_login(login(**changed), KEYS, NOW_US)
    assert refused.value.code == code
