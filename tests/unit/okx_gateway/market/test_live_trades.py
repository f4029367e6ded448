import pytest

from okx_gateway.market import live_trades
from okx_gateway.market.live import BrokenError
from okx_gateway.market.live_trades import LiveTrades
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row

PUSH = Push(receive_ms=7)


def row(trade_id: object) -> Row:
    return {"instId": "BTC-USDT", "tradeId": trade_id, "px": "1", "sz": "2", "side": "buy"}


def told(live: LiveTrades, *trade_ids: str) -> list[str]:
    return [each.value.trade_id for each in live.take([row(each) for each in trade_ids], PUSH)]


def test_every_trade_is_told_once() -> None:
    live = LiveTrades("BTC-USDT")
    assert told(live, "1", "2") == ["1", "2"]
    live.lose()
    assert told(live, "2", "3", "3") == ["3"]


def test_nothing_is_known_at_first() -> None:
    live = LiveTrades("BTC-USDT")
    told(live, "1")
    assert live.known() is None  # type: ignore[func-returns-value]  # so it says


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(live_trades, "_REMEMBERED_MAX", 2)
    live = LiveTrades("BTC-USDT")
    assert told(live, "1", "2", "3") == ["1", "2", "3"]
    assert told(live, "3", "2", "1") == ["1"]


@pytest.mark.parametrize("wrong", ["", 5, None])
def test_a_trade_that_cannot_be_read_is_missed_and_said_to_be(wrong: object) -> None:
    live = LiveTrades("BTC-USDT")
    with pytest.raises(BrokenError):
        live.take([row("1"), row(wrong)], PUSH)
    assert told(live, "1") == ["1"]
