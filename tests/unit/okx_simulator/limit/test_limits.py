from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import pytest

from okx_simulator.limit import limits as module
from okx_simulator.limit.limits import Limits
from okx_simulator.limit.table import LIMITS, PATH_BY_OPERATION, Scope


@dataclass(frozen=True)
class _Listed:
    inst_id: str
    inst_type: str
    inst_family: str = ""


LISTED = {
    one.inst_id: one
    for one in (
        _Listed("BTC-USDT", "SPOT"),
        _Listed("BTC-USDT-SWAP", "SWAP", "BTC-USDT"),
        _Listed("ETH-USDT-SWAP", "SWAP", "ETH-USDT"),
        _Listed("BTC-USD-270326-90000-C", "OPTION", "BTC-USD"),
        _Listed("BTC-USD-270326-95000-P", "OPTION", "BTC-USD"),
    )
}
ORDER, BATCH = "/api/v5/trade/order", "/api/v5/trade/batch-orders"


def _limits(**options: Any) -> Limits:
    return Limits("sliding", find=LISTED.get, **options)


def _charge(
    limits: Limits,
    path: str = ORDER,
    inst_id: str | Sequence[str] = "BTC-USDT",
    *,
    method: str = "POST",
    uid: str | None = "u1",
    ip: str = "10.0.0.1",
    now_us: int = 1_000_000,
) -> str | None:
    params: Any = (
        {"instId": inst_id} if isinstance(inst_id, str) else [{"instId": one} for one in inst_id]
    )
    return limits.charge(method, path, uid=uid, ip=ip, params=params, now_us=now_us)


def _until_refused(limits: Limits, path: str, inst_id: str, **who: Any) -> int:
    for count in range(2000):
        if _charge(limits, path, inst_id, **who):
            return count
    return 2000


@pytest.mark.parametrize(("method", "path"), sorted(LIMITS))
def test_every_endpoint_takes_its_amount_and_no_more(method: str, path: str) -> None:
    limit = LIMITS[method, path]
    limits = _limits()
    amount = LIMITS[method, limit.single].amount if limit.single else limit.amount
    params: Any = [{"instId": "BTC-USDT"}] if limit.single else {"instId": "BTC-USDT"}
    answers = [
        limits.charge(method, path, uid="u", ip="i", params=params, now_us=7)
        for _ in range(amount + 1)
    ]
    assert answers == [None] * amount + ["50011"]
    late_us = 7 + limit.window_us
    assert limits.charge(method, path, uid="u", ip="i", params=params, now_us=late_us) is None


def test_instruments_users_and_operations_do_not_share_a_window() -> None:
    limits = _limits()
    assert _until_refused(limits, ORDER, "BTC-USDT") == 60
    assert _charge(limits, inst_id="ETH-USDT-SWAP") is None
    assert _charge(limits, uid="u2") is None
    assert _charge(limits, "/api/v5/trade/cancel-order") is None
    assert _charge(limits, "/api/v5/trade/amend-order") is None
    assert _charge(limits, ORDER, method="GET") is None


def test_options_share_the_window_of_their_family() -> None:
    limits = _limits()
    assert _until_refused(limits, ORDER, "BTC-USD-270326-90000-C") == 60
    assert _charge(limits, inst_id="BTC-USD-270326-95000-P") == "50011"


def test_a_batch_of_one_counts_as_a_single_order() -> None:
    limits = _limits()
    for _ in range(60):
        assert _charge(limits, BATCH, ["BTC-USDT"]) is None
    assert _charge(limits, ORDER, "BTC-USDT") == "50011"
    assert _charge(limits, BATCH, ["BTC-USDT", "BTC-USDT"]) is None


def test_a_batch_weighs_its_orders_in_a_window_of_its_own() -> None:
    limits = _limits()
    for _ in range(15):
        assert _charge(limits, BATCH, ["BTC-USDT"] * 20) is None
    assert _charge(limits, BATCH, ["BTC-USDT"] * 2) == "50011"
    assert _until_refused(limits, ORDER, "BTC-USDT") == 60


def test_a_batch_charges_each_element_to_its_instrument() -> None:
    limits = _limits()
    for _ in range(14):
        _charge(limits, BATCH, ["BTC-USDT"] * 20)
    mixed = [{"instId": "BTC-USDT"}, {"instId": "ETH-USDT-SWAP"}] * 15
    codes = limits.charge_each("POST", BATCH, uid="u1", ip="i", params=mixed, now_us=1_000_000)
    assert codes == [None] * 30
    mixed = [{"instId": "BTC-USDT"}, {"instId": "ETH-USDT-SWAP"}] * 6
    codes = limits.charge_each("POST", BATCH, uid="u1", ip="i", params=mixed, now_us=1_000_000)
    assert codes == [None] * 10 + ["50011", None]


def test_a_batch_over_the_limit_in_part_is_not_refused_as_a_whole() -> None:
    limits = _limits()
    for _ in range(14):
        _charge(limits, BATCH, ["BTC-USDT"] * 20)
    _charge(limits, BATCH, ["BTC-USDT"] * 19)
    assert _charge(limits, BATCH, ["BTC-USDT"] * 2) is None


def test_the_sub_account_limit_counts_new_and_amended_orders_together() -> None:
    limits = _limits()
    wide = [f"X{n}-USDT-SWAP" for n in range(20)]
    for _ in range(25):
        assert _charge(limits, BATCH, wide) is None
        assert _charge(limits, "/api/v5/trade/amend-batch-orders", wide) is None
    assert _charge(limits, ORDER, "BTC-USDT-SWAP") == "50061"
    assert _charge(limits, "/api/v5/trade/cancel-order", "BTC-USDT-SWAP") is None
    assert _charge(limits, ORDER, "BTC-USDT") is None
    assert _charge(limits, ORDER, "BTC-USDT-SWAP", uid="u2") is None


def test_market_maker_protection_orders_are_outside_the_sub_account_limit() -> None:
    limits = _limits()
    order = {"instId": "BTC-USD-270326-90000-C", "ordType": "mmp"}
    for _ in range(60):
        limits.charge("POST", ORDER, uid="u1", ip="i", params=order, now_us=1)
    assert not [row for row in limits.rows(1) if row["limit"].startswith("sub-account")]


def test_public_limits_are_per_ip_and_instrument_type() -> None:
    limits = _limits()
    for _ in range(20):
        one = {"instType": "SPOT"}
        path = "/api/v5/public/instruments"
        assert limits.charge("GET", path, uid=None, ip="a", params=one, now_us=1) is None
    assert limits.charge("GET", path, uid=None, ip="a", params=one, now_us=1) == "50011"
    assert limits.charge("GET", path, uid=None, ip="b", params=one, now_us=1) is None
    other = {"instType": "SWAP"}
    assert limits.charge("GET", path, uid=None, ip="a", params=other, now_us=1) is None


def test_an_endpoint_without_a_published_limit_is_never_refused() -> None:
    limits = _limits()
    for _ in range(1000):
        assert _charge(limits, "/api/v5/unheard/of", method="GET") is None
    assert not list(limits.rows(1))


def test_refused_requests_count_unless_told_otherwise() -> None:
    strict, lenient = _limits(), _limits(count_refused=False)
    for limits, late in ((strict, "50011"), (lenient, None)):
        for _ in range(60):
            _charge(limits, now_us=0)
        for _ in range(60):
            assert _charge(limits, now_us=1_999_999) == "50011"
        assert _charge(limits, now_us=2_000_000) == late


def test_a_request_refused_by_one_window_spares_the_other_if_refused_ones_do_not_count() -> None:
    limits = _limits(count_refused=False)
    for _ in range(70):
        _charge(limits, ORDER, "BTC-USDT-SWAP")
    whole = next(row for row in limits.rows(1_000_000) if row["limit"].startswith("sub-account"))
    assert whole["used"] == 60


def test_connects_are_three_a_second_per_ip() -> None:
    limits = _limits()
    assert [limits.charge_connect("a", t) for t in (0, 1, 2, 3)] == [True, True, True, False]
    assert limits.charge_connect("b", 3)
    assert limits.charge_connect("a", 1_000_003)


def test_rows_tell_the_worst_moment_of_each_window() -> None:
    limits = _limits()
    for now_us in (0, 10, 20, 3_000_000):
        _charge(limits, now_us=now_us)
    assert list(limits.rows(3_000_000)) == [
        {
            "limit": "POST /api/v5/trade/order",
            "scope": "uid+instId|family",
            "key": "u1 BTC-USDT",
            "amount": 60,
            "window_ms": 2000,
            "used": 1,
            "worst": 3,
            "refused": 0,
        }
    ]
    limits.forget()
    assert not list(limits.rows(3_000_000))


def test_the_number_of_windows_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOWS_MAX", 50)
    limits = _limits()
    for n in range(500):
        tag = {"tag": f"t{n}"}
        path = "/api/v5/trade/cancel-all-after"
        limits.charge("POST", path, uid="u", ip="i", params=tag, now_us=n)
    assert len(list(limits.rows(500))) <= 50


def test_idle_windows_are_dropped_before_busy_ones(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "WINDOWS_MAX", 3)
    limits = _limits()
    for uid, now_us in (("old", 0), ("a", 5_000_000), ("b", 5_000_000), ("c", 5_000_000)):
        _charge(limits, uid=uid, now_us=now_us)
    assert [row["key"] for row in limits.rows(5_000_000)] == [
        f"{uid} BTC-USDT" for uid in ("a", "b", "c")
    ]


def test_socket_operations_point_at_limited_endpoints() -> None:
    for path in PATH_BY_OPERATION.values():
        assert ("POST", path) in LIMITS


def test_fixed_windows_can_be_chosen() -> None:
    limits = Limits("fixed", find=LISTED.get)
    for now_us in [1_999_999] * 60 + [2_000_000] * 60:
        assert _charge(limits, now_us=now_us) is None


def test_every_scope_is_in_use_or_gone() -> None:
    used = {limit.scope for limit in LIMITS.values()}
    assert used == set(Scope)
