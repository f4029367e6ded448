"""Live state of the market, over a connection that only writes down what is wanted of it."""

from okx_gateway.domain.candle import Candle
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.edge.market_calls import MarketUseCases
from okx_gateway.market.book_board import BookBoard
from okx_gateway.market.channel_board import ChannelBoard
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market.live_candle import LiveCandle
from okx_gateway.market.live_ticker import LiveTicker
from okx_gateway.market.live_trades import LiveTrades
from okx_gateway.market.stream_log import LatestLog, RingLog
from okx_gateway.okx.market_channel import books_of, candles_of, tickers_of, trades_of
from okx_gateway.usecases.get_order_book import GetOrderBook
from okx_gateway.usecases.get_ticker import GetTicker
from okx_gateway.usecases.list_instruments import ListInstruments
from okx_gateway.usecases.list_tickers import ListTickers
from okx_gateway.usecases.market_reads import MarketReads
from okx_gateway.usecases.stream_market import StreamMarket
from tests.fakes.books import a_book
from tests.fakes.channels import Subscriptions


async def _read(instrument: str) -> OrderBook:
    return a_book(instrument)


class Boards:
    """A board of each kind."""

    def __init__(self) -> None:
        self.okx = Subscriptions()
        self.tickers: ChannelBoard[Ticker] = ChannelBoard(
            self.okx,
            make_live=LiveTicker,
            make_log=lambda count: LatestLog(4 * count),
            channels_max=100,
        )
        self.books = BookBoard(self.okx, read=_read)
        self.trades: ChannelBoard[Trade] = ChannelBoard(
            self.okx, make_live=LiveTrades, make_log=lambda _: RingLog(100), channels_max=100
        )
        self.candles: ChannelBoard[Candle] = ChannelBoard(
            self.okx,
            make_live=LiveCandle,
            make_log=lambda count: LatestLog(10 * count),
            channels_max=100,
        )

    def close(self) -> None:
        self.tickers.close()
        self.books.close()
        self.trades.close()
        self.candles.close()


def market_use_cases(
    boards: Boards, instruments: InstrumentCatalog, reads: MarketReads
) -> MarketUseCases:
    return MarketUseCases(
        list_instruments=ListInstruments(instruments),
        get_ticker=GetTicker(instruments=instruments, board=boards.tickers, reads=reads),
        list_tickers=ListTickers(reads),
        get_order_book=GetOrderBook(instruments=instruments, board=boards.books, reads=reads),
        stream_ticker=StreamMarket("StreamTicker", boards.tickers, tickers_of, instruments),
        stream_order_book=StreamMarket("StreamOrderBook", boards.books, books_of, instruments),
        stream_trades=StreamMarket("StreamTrades", boards.trades, trades_of, instruments),
        stream_candles=StreamMarket("StreamCandles", boards.candles, candles_of, instruments),
    )
