from datetime import UTC, datetime
from decimal import Decimal
from itertools import pairwise

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from okx_simulator.market.candle import BARS, candles, end_of, in_currencies, start_of, volume
from okx_simulator.market.market import Market
from tests.support.trading_floor import START_MS, listed

MARKET = Market(7, START_MS)
SPOT = listed(MARKET.listing, "BTC-USDT")
MOMENTS = st.integers(1_600_000_000_000, 2_000_000_000_000)


def at(text: str) -> int:
    return int(datetime.fromisoformat(text).replace(tzinfo=UTC).timestamp() * 1_000)


@given(MOMENTS, st.sampled_from(BARS))
def test_every_moment_lies_in_one_bar(at_ms: int, bar: str) -> None:
    start_ms = start_of(bar, at_ms)
    end_ms = end_of(bar, start_ms)
    assert start_ms <= at_ms < end_ms
    assert start_of(bar, start_ms) == start_ms
    assert start_of(bar, end_ms) == end_ms
    assert start_of(bar, end_ms - 1) == start_ms


@pytest.mark.parametrize(
    ("bar", "start"),
    [
        ("1m", "2026-11-22T17:45:00"),
        ("4H", "2026-11-22T16:00:00"),
        ("12H", "2026-11-22T16:00:00"),
        ("12Hutc", "2026-11-22T12:00:00"),
        ("1D", "2026-11-22T16:00:00"),
        ("1Dutc", "2026-11-22T00:00:00"),
        ("1Wutc", "2026-11-16T00:00:00"),
        ("1Mutc", "2026-11-01T00:00:00"),
        ("1M", "2026-10-31T16:00:00"),
        ("3Mutc", "2026-10-01T00:00:00"),
    ],
)
def test_long_bars_begin_in_hong_kong_or_in_utc(bar: str, start: str) -> None:
    assert start_of(bar, at("2026-11-22T17:45:30")) == at(start)


@pytest.mark.parametrize("bar", ["1s", "1m", "1H", "1D", "1Mutc"])
def test_bars_follow_each_other_and_hold_their_prices(bar: str) -> None:
    found = candles(MARKET, SPOT, bar, START_MS, 6)
    assert [one.is_complete for one in found] == [False, *[True] * 5]
    for newer, older in pairwise(found):
        assert end_of(bar, older.start_ms) == newer.start_ms
        assert older.close == newer.open
    for one in found:
        assert one.low <= min(one.open, one.close)
        assert one.high >= max(one.open, one.close)


def test_the_last_bar_ends_with_the_present_price() -> None:
    (last,) = candles(MARKET, SPOT, "1H", START_MS, 1)
    assert last.close == MARKET.quote(SPOT).mark
    assert candles(MARKET, SPOT, "1H", START_MS + 10**9, 1) == [last]


def test_no_bar_is_older_than_the_listing() -> None:
    future = listed(MARKET.listing, "BTC-USDT-261225")
    years = candles(MARKET, future, "3Mutc", START_MS, 100)
    assert 20 < len(years) < 30


@settings(max_examples=50)
@given(MOMENTS, st.integers(1, 90), st.integers(1, 90))
def test_volumes_add_up(start_ms: int, first_m: int, second_m: int) -> None:
    middle_ms = start_ms + first_m * 60_000
    end_ms = middle_ms + second_m * 60_000
    parts = volume(MARKET, SPOT, start_ms, middle_ms) + volume(MARKET, SPOT, middle_ms, end_ms)
    whole = volume(MARKET, SPOT, start_ms, end_ms)
    assert whole > 0
    assert abs(whole - parts) <= 4 * SPOT.lot_sz + whole * Decimal("1e-6")


def test_days_differ() -> None:
    days = [
        volume(MARKET, SPOT, START_MS - n * 86_400_000, START_MS - (n - 1) * 86_400_000)
        for n in range(1, 5)
    ]
    assert len(set(days)) == 4


@pytest.mark.parametrize(
    ("inst_id", "base", "quote"),
    [
        ("BTC-USDT", "10", "1000000"),
        ("BTC-USDT-SWAP", "0.1", "10000"),
        ("BTC-USD-SWAP", "0.01", "1000"),
    ],
)
def test_sizes_in_currencies(inst_id: str, base: str, quote: str) -> None:
    instrument = listed(MARKET.listing, inst_id)
    found = in_currencies(instrument, Decimal(10), Decimal(100_000))
    assert found == (Decimal(base), Decimal(quote))
