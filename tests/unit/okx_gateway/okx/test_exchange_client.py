"""Against a small server on loopback that stands in for OKX's REST side."""

import time

import pytest

from okx_gateway.domain.errors import (
    CredentialUnusableError,
    ExchangeRefusedError,
    ExchangeThrottledError,
    ExchangeUnavailableError,
    GatewayError,
)
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.okx.exchange_clock import ExchangeClock
from tests.fakes.okx_http import client_of, says
from tests.fakes.raw_http import Answer, ok, raw_server, replies


async def test_the_rate_limit_of_an_account_is_one_number() -> None:
    answers = (says("0", {"accRateLimit": "2000"}), says("0"), says("0", {"accRateLimit": "many"}))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        assert await exchange.account_rate_limit("main") == 2_000
        for _ in range(2):
            with pytest.raises(ExchangeUnavailableError):
                await exchange.account_rate_limit("main")
    assert server.requests[0][0].startswith("GET /api/v5/trade/account-rate-limit HTTP/1.1")


@pytest.mark.parametrize(
    ("answer", "error"),
    [
        (says("50011", status="429 Too Many Requests"), ExchangeThrottledError),
        (says("50061"), ExchangeThrottledError),
        (says("50113", status="401 Unauthorized"), CredentialUnusableError),
        (says("50119"), CredentialUnusableError),
        (says("51001"), ExchangeRefusedError),
        (says("50102", status="401 Unauthorized"), ExchangeRefusedError),
        (says("0", {"details": []}, status="503 Service Unavailable"), ExchangeUnavailableError),
        (replies(ok(b"<html>", "502 Bad Gateway")), ExchangeUnavailableError),
        (replies(ok(b"<html>")), ExchangeUnavailableError),
        (says("0"), ExchangeUnavailableError),
        (says("0", {"details": []}, {"details": []}), ExchangeUnavailableError),
        (says("0", {"details": [{"ccy": 5}]}), ExchangeUnavailableError),
    ],
)
async def test_a_read_that_fails_says_whose_fault_it_is(
    answer: Answer, error: type[GatewayError]
) -> None:
    async with raw_server(answer) as server, client_of(server) as exchange:
        with pytest.raises(error) as raised:
            await exchange.balance("main", [])
    assert type(raised.value) is error
    assert len(server.requests) == 1


async def test_the_configuration_of_an_account_is_one_row() -> None:
    answers = (says("0", {"uid": "1"}), says("0"))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        assert await exchange.account_config("main") == {"uid": "1"}
        with pytest.raises(ExchangeUnavailableError):
            await exchange.account_config("main")


async def test_instruments_are_read_by_type_and_options_by_family() -> None:
    row: dict[str, object] = {"instId": "BTC-USDT", "instType": "SPOT", "tickSz": "0.1"}
    answers = (says("0", row), says("0"), says("0", {"instId": "X", "instType": "NEW"}))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        [instrument] = await exchange.instruments(InstrumentType.SPOT)
        assert instrument.name == "BTC-USDT"
        assert await exchange.instruments(InstrumentType.OPTION, "BTC-USD") == []
        with pytest.raises(ExchangeUnavailableError):
            await exchange.instruments(InstrumentType.SPOT)
    paths = [head.split(" ")[1] for head, _ in server.requests]
    assert paths[:2] == [
        "/api/v5/public/instruments?instType=SPOT",
        "/api/v5/public/instruments?instType=OPTION&instFamily=BTC-USD",
    ]


TICKER = {"instId": "BTC-USDT", "last": "51240", "bidPx": "51239.9", "ts": "1708669925904"}
BOOK = {"asks": [["2", "1", "0", "3"]], "bids": [], "ts": "1708669925904", "seqId": 7}


async def test_tickers_are_read_one_or_all_of_a_type() -> None:
    answers = (says("0", TICKER), says("0", TICKER, TICKER), says("0"), says("0", {"last": 5}))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        ticker = await exchange.ticker("BTC-USDT")
        assert (ticker.last_price, ticker.exchange_ms) == ("51240", 1_708_669_925_904)
        assert abs(ticker.receive_ms - time.time() * 1000) < 5_000
        assert len(await exchange.tickers(InstrumentType.SPOT)) == 2
        for _ in range(2):
            with pytest.raises(ExchangeUnavailableError):
                await exchange.ticker("BTC-USDT")
    paths = [head.split(" ")[1] for head, _ in server.requests]
    assert paths[:2] == [
        "/api/v5/market/ticker?instId=BTC-USDT",
        "/api/v5/market/tickers?instType=SPOT",
    ]


async def test_a_book_is_read_as_deep_as_the_channel_of_its_updates() -> None:
    answers = (says("0", BOOK), says("0", BOOK, BOOK), says("0", BOOK | {"seqId": "7"}))
    async with raw_server(*answers) as server, client_of(server) as exchange:
        book = await exchange.order_book("BTC-USDT")
        assert (book.instrument, book.asks, book.bids) == ("BTC-USDT", (("2", "1", 3),), ())
        assert (book.sequence, book.exchange_ms) == (7, 1_708_669_925_904)
        for _ in range(2):
            with pytest.raises(ExchangeUnavailableError):
                await exchange.order_book("BTC-USDT")
    assert server.requests[0][0].split(" ")[1] == (
        "/api/v5/market/books?instId=BTC-USDT&sz=400&source=0"
    )


@pytest.mark.parametrize("row", [{"ts": "soon"}, {"ts": 5}, {}])
async def test_a_time_that_cannot_be_read_teaches_nothing(row: dict[str, object]) -> None:
    clock = ExchangeClock()
    async with raw_server(says("0", row)) as server, client_of(server, clock=clock) as exchange:
        with pytest.raises(ExchangeUnavailableError):
            await exchange.synchronise()
    assert clock.error_ms() > 3_600_000


async def test_nothing_is_read_later_than_it_may_be_asked() -> None:
    async with raw_server(says("0")) as server, client_of(server) as exchange:
        late_s = time.monotonic() - 0.001
        for reading in (
            exchange.balance("main", [], write_before_s=late_s),
            exchange.account_config("main", write_before_s=late_s),
            exchange.account_rate_limit("main", write_before_s=late_s),
            exchange.instruments(InstrumentType.SPOT, write_before_s=late_s),
            exchange.synchronise(write_before_s=late_s),
            exchange.ticker("BTC-USDT", write_before_s=late_s),
            exchange.tickers(InstrumentType.SPOT, write_before_s=late_s),
            exchange.order_book("BTC-USDT", write_before_s=late_s),
        ):
            with pytest.raises(ExchangeUnavailableError) as raised:
                await reading
            assert raised.value.late
    assert server.requests == []
