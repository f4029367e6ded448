from okx_gateway.market.live_candle import LiveCandle
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row

PUSH = Push(receive_ms=7)


def row(start: object, close: str, complete: str = "0") -> Row:
    values = [start, "1", "3", "0.5", close, "10", "20", "30", complete]
    return {str(place): value for place, value in enumerate(values)}


def test_each_candle_has_a_key_of_its_own() -> None:
    live = LiveCandle("BTC-USDT")
    told = live.take([row("60000", "1"), row("60000", "2"), row("120000", "3")], PUSH)
    assert [each.key for each in told] == [
        ("BTC-USDT", 60_000),
        ("BTC-USDT", 60_000),
        ("BTC-USDT", 120_000),
    ]
    known = live.known()
    assert known is not None
    assert known.value.close_price == "3"


def test_a_candle_that_is_complete_only_now_is_told_and_is_not_the_latest() -> None:
    live = LiveCandle("BTC-USDT")
    live.take([row("120000", "3")], PUSH)
    [late] = live.take([row("60000", "2", "1")], PUSH)
    assert late.value.complete
    known = live.known()
    assert known is not None
    assert known.value.start_ms == 120_000


def test_what_cannot_be_read_is_passed_over() -> None:
    live = LiveCandle("BTC-USDT")
    assert live.known() is None
    assert live.take([row("", "1"), row(5, "1"), {}], PUSH) == []
    live.lose()
    assert live.known() is None
