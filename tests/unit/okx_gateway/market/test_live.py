from okx_gateway.domain.candle import Candle
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.market.live import BrokenError, Live, News
from okx_gateway.market.live_book import BookEvent, LiveBook
from okx_gateway.market.live_candle import LiveCandle
from okx_gateway.market.live_ticker import LiveTicker
from okx_gateway.market.live_trades import LiveTrades


def test_all_that_is_kept_of_a_channel_is_used_alike() -> None:
    ticker: Live[Ticker] = LiveTicker("A")
    trades: Live[Trade] = LiveTrades("A")
    candle: Live[Candle] = LiveCandle("A")
    book: Live[BookEvent] = LiveBook("A")
    begin_empty = [each.begins_empty for each in (ticker, trades, candle, book)]
    assert begin_empty == [False, True, False, False]


def test_news_have_a_key_and_a_break_a_cause() -> None:
    assert News("A", 5) == ("A", 5)
    assert str(BrokenError("5 follows on 3")) == "5 follows on 3"
