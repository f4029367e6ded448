import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.market.instrument_table import START_USD
from okx_simulator.market.price import PriceProcess, mixed, share

DAY_MS = 86_400_000
MOMENTS = st.integers(-400 * DAY_MS, 400 * DAY_MS)


@given(st.integers(0, 2**64 - 1), st.integers(-(2**40), 2**40))
def test_share_is_a_share(seed: int, key: int) -> None:
    assert 0 <= share(seed, key) < 1
    assert mixed(seed, key) == mixed(seed, key)


@given(MOMENTS)
def test_the_same_seed_makes_the_same_path(at_ms: int) -> None:
    first, second = PriceProcess(3), PriceProcess(3)
    second.usd("BTC", 0)
    assert first.usd("BTC", at_ms) == second.usd("BTC", at_ms)


@given(MOMENTS)
def test_prices_stay_in_sight_of_their_start(at_ms: int) -> None:
    process = PriceProcess(3)
    for ccy, start in START_USD.items():
        assert start / 5 < process.usd(ccy, at_ms) < start * 5


@given(st.integers(0, 30 * DAY_MS))
def test_a_tenth_of_a_second_moves_little(at_ms: int) -> None:
    process = PriceProcess(3)
    assert process.usd("BTC", at_ms + 100) == pytest.approx(process.usd("BTC", at_ms), rel=1e-3)


def test_prices_begin_at_the_start_and_wander_differently() -> None:
    process = PriceProcess(3)
    assert {ccy: process.usd(ccy, 0) for ccy in START_USD} == START_USD
    hour = [PriceProcess(seed).usd("BTC", 3_600_000) for seed in range(5)]
    assert len(set(hour)) == 5
    assert process.usd("USDT", DAY_MS) == 1


def test_a_move_lasts_and_leaves_the_past_alone() -> None:
    process, untouched = PriceProcess(3), PriceProcess(3)
    process.move("BTC", 1_000, 50_000)
    assert process.usd("BTC", 1_000) == pytest.approx(50_000)
    assert process.usd("BTC", 999) == untouched.usd("BTC", 999)
    later = untouched.usd("BTC", DAY_MS) * 50_000 / untouched.usd("BTC", 1_000)
    assert process.usd("BTC", DAY_MS) == pytest.approx(later)
    process.move("BTC", 2_000, 60_000)
    assert process.usd("BTC", 2_000) == pytest.approx(60_000)


def test_moves_are_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    process = PriceProcess(3)
    monkeypatch.setattr(PriceProcess, "MOVES_MAX", 1)
    process.move("BTC", 0, 1.0)
    with pytest.raises(ValueError, match="moved 1 times"):
        process.move("BTC", 1, 2.0)
    with pytest.raises(ValueError, match="positive"):
        process.move("ETH", 1, 0.0)
