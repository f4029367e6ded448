import asyncio
from typing import cast

import pytest
from structlog.testing import capture_logs

from okx_gateway.domain.order import Placed
from okx_gateway.usecases import watch_timing as module
from okx_gateway.usecases.alarms import Alarms
from okx_gateway.usecases.learn_jitter import LearnJitter
from okx_gateway.usecases.watch_timing import WatchTiming
from tests.fakes.metering import Metered

OWNER = "live:1"
RECEIVE_US = 1_763_812_345_678_900


class Jitter:
    """What LearnJitter is told."""

    def __init__(self) -> None:
        self.arrivals: list[tuple[str, int, int]] = []
        self.shared = False
        self.shares = 0

    def arrived(self, owner: str, *, slot_us: int, receive_us: int) -> None:
        self.arrivals.append((owner, slot_us, receive_us))

    def least_ms(self) -> int:
        return 110

    async def share(self) -> None:
        self.shares += 1
        self.shared = self.shares > 2


@pytest.fixture
def jitter() -> Jitter:
    return Jitter()


@pytest.fixture
def timing(jitter: Jitter, metered: Metered) -> WatchTiming:
    return WatchTiming(cast("LearnJitter", jitter), Alarms(), validity_ms=1_000, margin_ms=10_000)


def placed(timing: WatchTiming, queue_ms: float, receive_us: int | None = RECEIVE_US) -> None:
    place_ms = RECEIVE_US // 1000 + int(queue_ms)
    timing.placed(OWNER, "place_order:X", slot_us=5, placed=Placed("1", place_ms, receive_us, None))


async def test_queue_times_are_told(timing: WatchTiming, metered: Metered) -> None:
    assert metered.told("order.validity") == {"": 1}
    assert metered.told("absence.margin") == {"": 10}
    for queue_ms in (0, 100, 250):
        placed(timing, queue_ms)
    await timing.judge()
    # What is told in ms is cut off: the first seems to have been processed before it came.
    assert metered.told("exchange.queue_time") == {"place_order": pytest.approx(0.3482)}
    assert metered.told("exchange.queue_time_late") == {"": 0.25}
    assert metered.told("alarm")["queue_time"] == 0


async def test_an_alarm_sounds_once_queue_times_come_near_to_the_margin(
    timing: WatchTiming, metered: Metered
) -> None:
    placed(timing, 2_480)
    with capture_logs() as logs:
        await timing.judge()
        assert logs == []
        placed(timing, 2_520)
        await timing.judge()
    assert metered.told("alarm")["queue_time"] == 1
    [line] = logs
    assert (line["log_level"], line["margin_s"]) == ("error", 10.0)
    assert 2.5 < line["queue_time_s"] <= 2.54


async def test_when_a_request_arrived_is_told_to_who_learns_of_it(
    timing: WatchTiming, jitter: Jitter, metered: Metered
) -> None:
    placed(timing, 1)
    placed(timing, 1, receive_us=None)
    assert jitter.arrivals == [(OWNER, 5, RECEIVE_US)]
    await timing.judge()
    assert jitter.shares == 1
    assert timing.least_jitter_ms() == 110


async def test_it_judges_for_ever_and_sooner_until_the_others_were_heard(
    timing: WatchTiming, jitter: Jitter, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "_FIRST_PAUSE_S", 0.001)
    running = asyncio.ensure_future(timing.run())
    async with asyncio.timeout(2):
        while not jitter.shared:  # noqa: ASYNC110  # a plain fake
            await asyncio.sleep(0.001)
    await asyncio.sleep(0.05)
    running.cancel()
    await asyncio.gather(running, return_exceptions=True)
    assert jitter.shares == 3
