from collections import Counter
from datetime import UTC, datetime

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.market.listing import Listing, expiries
from tests.support.trading_floor import listed

NOW_MS = int(datetime(2026, 11, 22, 12, tzinfo=UTC).timestamp() * 1_000)
MOMENTS_MS = st.integers(1_600_000_000_000, 2_500_000_000_000)


@given(MOMENTS_MS)
def test_expiries_are_future_fridays_in_order(now_ms: int) -> None:
    found = expiries(now_ms)
    times = list(found.values())
    assert list(found) == ["this_week", "next_week", "quarter", "next_quarter"]
    assert now_ms < times[0] <= now_ms + 7 * 86_400_000
    assert times == sorted(set(times))
    for at_ms in times:
        moment = datetime.fromtimestamp(at_ms / 1_000, UTC)
        assert (moment.weekday(), moment.hour, moment.minute) == (4, 8, 0)
    for alias in ("quarter", "next_quarter"):
        ends = datetime.fromtimestamp(found[alias] / 1_000, UTC)
        assert ends.month in (3, 6, 9, 12)
        assert datetime.fromtimestamp(found[alias] / 1_000 + 7 * 86_400, UTC).month != ends.month


def test_names_say_the_expiry() -> None:
    names = {item.inst_id for item in Listing(NOW_MS).all("FUTURES", "BTC-USDT")}
    assert names == {f"BTC-USDT-{day}" for day in ("261127", "261204", "261225", "270326")}


def test_every_type_is_listed_with_unique_names_and_codes() -> None:
    listing = Listing(NOW_MS)
    counts = Counter(item.inst_type for item in listing.all())
    assert set(counts) == {"SPOT", "MARGIN", "SWAP", "FUTURES", "OPTION"}
    assert sum(counts.values()) >= 24
    named = [item for item in listing.all() if item.inst_type != "MARGIN"]
    assert len({item.inst_id for item in named}) == len(named)
    assert len({item.inst_id_code for item in named}) == len(named)


def test_instruments_are_found_by_name_and_by_code() -> None:
    listing = Listing(NOW_MS)
    spot = listing.find("BTC-USDT")
    margin = listing.find("BTC-USDT", "MARGIN")
    assert spot is not None
    assert margin is not None
    assert (spot.inst_type, margin.inst_type) == ("SPOT", "MARGIN")
    assert listing.find_code(spot.inst_id_code) is spot
    assert listing.find("OKB-USDT", "MARGIN") is None
    assert listing.find("NO-SUCH") is None
    assert listing.find_code(1) is None


def test_what_expires_is_followed_by_the_next() -> None:
    listing = Listing(NOW_MS)
    before = listing.find("BTC-USDT-SWAP")
    quarter = listing.find("BTC-USDT-261225")
    expiry_ms = listing.next_expiry_ms()
    assert listing.roll(expiry_ms - 1) == []
    gone = {item.inst_id for item in listing.roll(expiry_ms)}
    assert "BTC-USDT-261127" in gone
    assert "BTC-USD-261127-100000-C" in gone
    assert listing.find("BTC-USDT-261127") is None
    assert listing.find("BTC-USDT-261211") is not None
    assert listing.find("BTC-USDT-SWAP") is before
    assert listing.find("BTC-USDT-261225") is quarter
    assert listing.next_expiry_ms() > expiry_ms


def test_relisting_changes_the_code() -> None:
    listing = Listing(NOW_MS)
    old = listed(listing, "BTC-USDT")
    code = listing.relist("BTC-USDT")
    new = listed(listing, "BTC-USDT")
    assert new.inst_id_code == code != old.inst_id_code
    assert listing.find_code(old.inst_id_code) is None
    assert listing.relist("NO-SUCH") is None


@pytest.mark.parametrize(
    ("inst_id", "inst_type", "wanted"),
    [
        ("BTC-USDT", "SPOT", {"tickSz": "0.1", "lotSz": "0.00000001", "ctVal": "", "lever": ""}),
        ("BTC-USDT", "MARGIN", {"lever": "10", "instFamily": "BTC-USDT", "settleCcy": ""}),
        ("BTC-USDT-SWAP", "SWAP", {"ctVal": "0.01", "ctValCcy": "BTC", "ctType": "linear"}),
        ("BTC-USD-SWAP", "SWAP", {"ctVal": "100", "ctValCcy": "USD", "ctType": "inverse"}),
        ("BTC-USDT-261225", "FUTURES", {"alias": "quarter", "expTime": "1798185600000"}),
        ("BTC-USD-261225-90000-P", "OPTION", {"stk": "90000", "optType": "P", "ctMult": "0.01"}),
    ],
)
def test_rows_tell_what_okx_tells(inst_id: str, inst_type: str, wanted: dict[str, str]) -> None:
    instrument = Listing(NOW_MS).find(inst_id, inst_type)
    assert instrument is not None
    row = instrument.row()
    assert wanted.items() <= row.items()
    assert isinstance(row["instIdCode"], int)
    others = {name for name, value in row.items() if not isinstance(value, str)}
    assert others == {"instIdCode", "futureSettlement", "tradeQuoteCcyList"}
