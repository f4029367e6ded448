"""What is live state of the market made of?  A part of `parts`."""

import ssl
from collections.abc import Callable
from contextlib import AsyncExitStack
from dataclasses import dataclass

from okx_gateway.domain.candle import Candle
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.domain.trade import Trade
from okx_gateway.ledger.charge import GATEWAY
from okx_gateway.market.book_board import BookBoard
from okx_gateway.market.channel_board import ChannelBoard
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market.live_candle import LiveCandle
from okx_gateway.market.live_ticker import LiveTicker
from okx_gateway.market.live_trades import LiveTrades
from okx_gateway.market.stream_log import LatestLog, RingLog
from okx_gateway.okx.socket_keeper import ChannelSocket
from okx_gateway.settings import Settings
from okx_gateway.usecases.alarms import Alarm, Alarms
from okx_gateway.usecases.market_reads import Asker, MarketReads
from okx_gateway.usecases.public_requests import PublicRequests
from okx_gateway.usecases.supervisor import Supervisor

# Longer than a socket pauses that OKX refused.
_SOCKET_ALARM_S = 120.0
_CHANNELS_MAX = 2_000
_BOOK_WAIT_S = 5.0
# Of each instrument its value and three kinds of notices.
_KEYS_PER_TICKER = 4
# More candles than there can be in the time that a reader may read nothing.
_KEYS_PER_CANDLE = 100
# Who is further behind in all its trades together is told of a gap.
_TRADES_KEPT = 5_000


@dataclass(frozen=True, slots=True, kw_only=True)
class MarketParts:
    """What is known of the market."""

    instruments: InstrumentCatalog
    reads: MarketReads
    tickers: ChannelBoard[Ticker]
    books: BookBoard
    trades: ChannelBoard[Trade]
    candles: ChannelBoard[Candle]
    sockets: tuple[ChannelSocket, ...]


def make_market(
    settings: Settings,
    stack: AsyncExitStack,
    public: PublicRequests,
    *,
    supervisor: Supervisor,
    tls: ssl.SSLContext | None,
    alarms: Alarms,
) -> MarketParts:
    """Make it; what has to be closed is closed with `stack`."""

    def socket(url: str, name: str) -> ChannelSocket:
        return ChannelSocket(
            url,
            tls=tls,
            wait_for_room=public.wait_to_connect,
            on_trouble=_sound(alarms, name),
        )

    async def read_book(instrument: str) -> OrderBook:
        asker = Asker(GATEWAY, Deadline.after(_BOOK_WAIT_S))
        return (await reads.order_book(instrument, asker)).value

    reads = MarketReads(
        address=public.address, ask=public.ask, exchange=public.exchange, supervisor=supervisor
    )
    of_public = socket(settings.okx_ws_public_url, "public")
    of_business = socket(settings.okx_ws_business_url, "business")
    made = MarketParts(
        instruments=InstrumentCatalog(
            public.instruments,
            option_families=settings.option_families,
            refresh_s=settings.instrument_refresh_s,
        ),
        reads=reads,
        tickers=ChannelBoard(
            of_public,
            make_live=LiveTicker,
            make_log=lambda count: LatestLog(count * _KEYS_PER_TICKER),
            channels_max=_CHANNELS_MAX,
        ),
        books=BookBoard(of_public, read=read_book),
        trades=ChannelBoard(
            of_public,
            make_live=LiveTrades,
            make_log=lambda _: RingLog(_TRADES_KEPT),
            channels_max=_CHANNELS_MAX,
        ),
        candles=ChannelBoard(
            of_business,
            make_live=LiveCandle,
            make_log=lambda count: LatestLog(count * _KEYS_PER_CANDLE),
            channels_max=_CHANNELS_MAX,
        ),
        sockets=(of_public, of_business),
    )
    for board in (made.tickers, made.books, made.trades, made.candles):
        stack.callback(board.close)
    return made


def _sound(alarms: Alarms, socket: str) -> Callable[[str], None]:
    return lambda cause: alarms.sound(
        Alarm.SOCKET_REFUSED, for_s=_SOCKET_ALARM_S, socket=socket, cause=cause
    )
