from okx_gateway import metric
from tests.fakes.metering import Metered


def test_windows_are_told_by_their_limit(metered: Metered) -> None:
    for window in ("place_order:BTC-USDT", "place_order:ETH-USDT", "sub_account"):
        metric.throttled(window)
        metric.waited(window, 0.5)
    assert metered.told("budget.throttled") == {"place_order": 2, "sub_account": 1}
    assert metered.told("budget.wait") == {"place_order": 1.0, "sub_account": 0.5}


def test_jitter_is_told_by_where_it_comes_from(metered: Metered) -> None:
    metric.jitter(set_s=0.2, in_force_s=0.11)
    assert metered.told("budget.jitter") == {"setting": 0.2, "in_force": 0.11}


def test_the_last_of_what_rises_and_falls_is_told(metered: Metered) -> None:
    for count in (3, 0):
        metric.doubts(count, count * 1.5)
        metric.open_rows(count + 1, count * 0.5)
        metric.alarm("queue_time", sounds=count > 0)
        metric.queue_time_late(count / 100)
        metric.settings_in_force(validity_s=count + 1, margin_s=count + 10)
    assert metered.told("orders.in_doubt") == {"": 0}
    assert metered.told("doubt.oldest") == {"": 0}
    assert metered.told("ledger.open_rows") == {"": 1}
    assert metered.told("ledger.overdue") == {"": 0}
    assert metered.told("alarm") == {"queue_time": 0}
    assert metered.told("exchange.queue_time_late") == {"": 0}
    assert metered.told("order.validity") == {"": 1}
    assert metered.told("absence.margin") == {"": 10}


def test_what_is_counted_adds_up(metered: Metered) -> None:
    for _ in range(2):
        metric.epoch_changed()
        metric.queued("place_order:X", 0.25)
    assert metered.told("ledger.epoch_changes") == {"": 2}
    assert metered.told("exchange.queue_time") == {"place_order": 0.5}


def test_live_state_is_told_by_channel_and_account(metered: Metered) -> None:
    metric.live_state("orders", "main", usable=True)
    metric.lists_read("main")
    metric.row_unread("account")
    assert metered.told("live.usable") == {"orders,main": 1}
    assert metered.told("live.lists_read") == {"main": 1}
    assert metered.told("live.rows_unread") == {"account": 1}
