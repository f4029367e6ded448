import asyncio
import time

import pytest

from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.market import clock_sync
from okx_gateway.market.clock_sync import ERROR_MS_MAX, keep_in_step
from okx_gateway.okx.exchange_clock import ExchangeClock


class Sampler:
    """Samples a clock with a round trip of `round_trip_s`, or fails while it is None."""

    def __init__(self, clock: ExchangeClock, round_trip_s: float | None) -> None:
        self._clock = clock
        self.round_trip_s = round_trip_s
        self.count = 0

    async def __call__(self) -> None:
        self.count += 1
        if self.round_trip_s is None:
            raise ExchangeUnavailableError("HTTP 503")
        now_s, wall_ms = time.monotonic(), time.time() * 1000
        self._clock.learn(
            sent_s=now_s - self.round_trip_s,
            received_s=now_s,
            earliest_ms=wall_ms,
            latest_ms=wall_ms,
        )


@pytest.fixture(autouse=True)
def _short(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_sync, "_RETRY_S", 0.02)
    monkeypatch.setattr(clock_sync, "_INTERVAL_S", 30.0)


async def keep_for(clock: ExchangeClock, sampler: Sampler, wait_s: float) -> None:
    keeping = asyncio.ensure_future(keep_in_step(clock, sampler))
    await asyncio.sleep(wait_s)
    assert not keeping.done()
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)


async def test_a_good_sample_is_enough_for_a_while() -> None:
    clock = ExchangeClock()
    sampler = Sampler(clock, 0.002)
    await keep_for(clock, sampler, 0.1)
    assert sampler.count == 1
    assert clock.error_ms() <= ERROR_MS_MAX


async def test_a_poor_estimate_is_sampled_again_soon() -> None:
    clock = ExchangeClock()
    sampler = Sampler(clock, 1.0)
    await keep_for(clock, sampler, 0.15)
    assert sampler.count >= 3
    assert clock.error_ms() > ERROR_MS_MAX


async def test_a_failure_is_tried_again_soon() -> None:
    clock = ExchangeClock()
    sampler = Sampler(clock, None)
    await keep_for(clock, sampler, 0.15)
    assert sampler.count >= 3


async def test_it_is_sampled_at_intervals(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(clock_sync, "_INTERVAL_S", 0.02)
    clock = ExchangeClock()
    sampler = Sampler(clock, 0.002)
    await keep_for(clock, sampler, 0.15)
    assert sampler.count >= 3
