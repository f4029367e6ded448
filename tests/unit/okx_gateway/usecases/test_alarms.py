from types import SimpleNamespace

import pytest
from structlog.testing import capture_logs

from okx_gateway.usecases import alarms as module
from okx_gateway.usecases.alarms import Alarm, Alarms
from tests.fakes.metering import Metered


class Clock:
    now_s = 1_000.0


@pytest.fixture
def clock(monkeypatch: pytest.MonkeyPatch) -> Clock:
    clock = Clock()
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: clock.now_s))
    return clock


def test_no_alarm_sounds_at_first(metered: Metered) -> None:
    Alarms()
    assert metered.told("alarm") == dict.fromkeys(Alarm, 0)


def test_an_alarm_sounds_until_its_cause_has_not_come_for_a_while(
    metered: Metered, clock: Clock
) -> None:
    alarms = Alarms()
    alarms.sound(Alarm.THROTTLED, for_s=100)
    clock.now_s += 99
    alarms.end_old()
    assert metered.told("alarm") == dict.fromkeys(Alarm, 0) | {Alarm.THROTTLED: 1}
    alarms.sound(Alarm.THROTTLED, for_s=100)
    alarms.sound(Alarm.THROTTLED, for_s=1)
    clock.now_s += 99
    alarms.end_old()
    assert metered.told("alarm") == dict.fromkeys(Alarm, 0) | {Alarm.THROTTLED: 1}
    clock.now_s += 1
    alarms.end_old()
    assert metered.told("alarm") == dict.fromkeys(Alarm, 0)


def test_an_alarm_is_logged_with_its_facts_once_a_minute(metered: Metered, clock: Clock) -> None:
    alarms = Alarms()
    with capture_logs() as logs:
        for _ in range(130):
            alarms.sound(Alarm.QUEUE_TIME, for_s=10, queue_time_s=3.0)
            clock.now_s += 1
        alarms.sound(Alarm.THROTTLED, for_s=10, window="place_order:BTC-USDT")
    told = [(each["log_level"], each["alarm"]) for each in logs]
    assert told == [("error", "queue_time")] * 3 + [("error", "throttled")]
    assert logs[0]["queue_time_s"] == 3.0
    assert logs[-1]["window"] == "place_order:BTC-USDT"
