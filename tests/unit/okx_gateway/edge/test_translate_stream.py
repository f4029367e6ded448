from collections.abc import Sequence
from typing import Any

import pytest
from google.protobuf import json_format

from okx_gateway.api.v1 import candle_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.candle import Bar, Candle
from okx_gateway.domain.market_notice import Gap, GapReason, Heartbeat, Notice, Resumed, Stale
from okx_gateway.domain.order import Side
from okx_gateway.domain.order_book import BookUpdate, PriceLevel
from okx_gateway.domain.trade import Trade
from okx_gateway.edge import translate_stream
from okx_gateway.edge.call import StreamEvent
from okx_gateway.edge.translate import check
from okx_gateway.market.stream_log import Batch
from tests.fakes.books import a_book
from tests.fakes.tickers import a_ticker

MS, TIME = 1_700_000_000_123, "2023-11-14T22:13:20.123Z"
NOTICES: list[tuple[Notice, dict[str, Any]]] = [
    *(
        (
            Gap(("A", "B"), reason, MS, lost_count=7),
            {
                "gap": {
                    "instruments": ["A", "B"],
                    "reason": f"GAP_REASON_{reason.name}",
                    "detectTime": TIME,
                    "lostCount": "7",
                }
            },
        )
        for reason in GapReason
    ),
    (Stale(("A",), MS), {"stale": {"instruments": ["A"], "detectTime": TIME}}),
    (Resumed(("A",), MS), {"resumed": {"instruments": ["A"], "resumeTime": TIME}}),
]


def shown(events: Sequence[StreamEvent]) -> list[dict[str, Any]]:
    return [json_format.MessageToDict(each.message) for each in events]


def a_trade(number: int) -> Trade:
    return Trade(
        instrument="A",
        trade_id=str(number),
        side=Side.SELL,
        price="1.5",
        quantity="2",
        count=3,
        exchange_ms=MS,
        receive_ms=MS,
    )


def a_candle(start_ms: int) -> Candle:
    return Candle(
        instrument="A",
        start_ms=start_ms,
        open_price="1",
        high_price="2",
        low_price="0.5",
        close_price="1.5",
        volume="10",
        volume_currency="20",
        volume_quote="30",
        complete=True,
        receive_ms=MS,
    )


@pytest.mark.parametrize(("notice", "told"), NOTICES)
def test_every_stream_tells_its_notices_alike(notice: Notice, told: dict[str, Any]) -> None:
    streams = (
        translate_stream.ticker_events(Batch([notice]), together=False),
        translate_stream.book_events(Batch([notice])),
        translate_stream.trade_events(Batch([notice])),
        translate_stream.candle_events(Batch([notice])),
    )
    assert [shown(each) for each in streams] == [[told]] * 4


def test_tickers_come_one_by_one_or_together_and_in_order() -> None:
    gap = Gap(("A",), GapReason.CONNECTION_LOST, MS)
    batch = Batch([a_ticker("A", 1), a_ticker("B", 2), gap, a_ticker("A", 3)])
    one_by_one = translate_stream.ticker_events(batch, together=False)
    assert [each.message.WhichOneof("event") for each in one_by_one] == [
        "ticker",
        "ticker",
        "gap",
        "ticker",
    ]
    together = translate_stream.ticker_events(batch, together=True)
    assert [each.message.WhichOneof("event") for each in together] == ["tickers", "gap", "ticker"]
    first = shown(together)[0]["tickers"]["tickers"]
    assert [each["lastPrice"] for each in first] == ["1", "2"]


def test_what_several_are_told_is_made_once() -> None:
    batch = Batch([a_ticker("A", 1), a_ticker("B", 2)])
    told = translate_stream.ticker_events(batch, together=True)
    assert translate_stream.ticker_events(batch, together=True) is told
    # Another group of readers, to whom the same ticker is told among others.
    [of_other] = translate_stream.ticker_events(Batch([a_ticker("A", 1)]), together=True)
    assert of_other is translate_stream.ticker_events(batch, together=False)[0]
    book = a_book()
    one, other = (translate_stream.book_events(Batch([book])) for _ in range(2))
    assert one[0] is other[0]


def test_trades_come_together_up_to_a_bound() -> None:
    trades = [a_trade(number) for number in range(1_100)]
    events = translate_stream.trade_events(Batch(trades))
    lengths = [len(each["trades"]["trades"]) for each in shown(events)]
    assert lengths == [500, 500, 100]
    assert shown(events)[0]["trades"]["trades"][7] == {
        "instrument": "A",
        "tradeId": "7",
        "side": "SIDE_SELL",
        "price": "1.5",
        "quantity": "2",
        "count": 3,
        "exchangeTime": TIME,
        "receiveTime": TIME,
    }


def test_candles_come_together() -> None:
    [event] = shown(translate_stream.candle_events(Batch([a_candle(MS), a_candle(MS + 1)])))
    assert len(event["candles"]["candles"]) == 2
    assert event["candles"]["candles"][0] == {
        "instrument": "A",
        "startTime": TIME,
        "openPrice": "1",
        "highPrice": "2",
        "lowPrice": "0.5",
        "closePrice": "1.5",
        "volume": "10",
        "volumeCurrency": "20",
        "volumeQuote": "30",
        "complete": True,
        "receiveTime": TIME,
    }


def test_a_book_is_told_whole_and_then_what_changed() -> None:
    update = BookUpdate(
        instrument="A",
        asks=(PriceLevel("101", "0", 0),),
        bids=(),
        sequence=11,
        previous_sequence=10,
        exchange_ms=MS,
        receive_ms=MS,
    )
    whole, changed = shown(translate_stream.book_events(Batch([a_book("A", 10), update])))
    assert whole["snapshot"]["sequence"] == "10"
    assert len(whole["snapshot"]["asks"]) == 2
    assert changed["update"] == {
        "instrument": "A",
        "asks": [{"price": "101", "quantity": "0"}],
        "sequence": "11",
        "previousSequence": "10",
        "exchangeTime": TIME,
        "receiveTime": TIME,
    }


@pytest.mark.parametrize(
    "kind",
    [
        api.StreamTickerResponse,
        api.StreamOrderBookResponse,
        api.StreamTradesResponse,
        api.StreamCandlesResponse,
    ],
)
def test_a_heartbeat_is_of_its_stream(kind: type[Any]) -> None:
    event = translate_stream.heartbeat_event(kind, Heartbeat(MS))
    assert isinstance(event.message, kind)
    assert shown([event]) == [{"heartbeat": {"sendTime": TIME}}]


def test_every_bar_has_its_word() -> None:
    words = dict(candle_pb2.CandleBar.items())
    assert len(words) == len(Bar) + 1
    for bar in Bar:
        number = words[f"CANDLE_BAR_{bar.name}"]
        request = api.StreamCandlesRequest(instruments=["A"], bar=number)
        check(request)
        assert translate_stream.candle_bar(request) is bar
