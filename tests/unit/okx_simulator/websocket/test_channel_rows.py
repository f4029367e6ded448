from typing import Any

import pytest

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.clock import Clock
from okx_simulator.exchange import Exchange
from okx_simulator.websocket.channel import CHANNELS, Subject
from okx_simulator.websocket.channel_book import DEPTHS
from okx_simulator.websocket.channel_market import CADENCES
from okx_simulator.websocket.channel_rows import ChannelRows

UID = DEFAULT_ACCOUNTS[0].uid
SUBJECTS = {
    Subject.NOTHING: "",
    Subject.INSTRUMENT: "BTC-USDT-SWAP",
    Subject.INDEX: "BTC-USD",
    Subject.INSTRUMENT_TYPE: "SWAP",
}
ASKED = sorted(
    name
    for name, channel in CHANNELS.items()
    if not channel.is_private and not channel.needs_vip and name not in DEPTHS
    if name not in CADENCES or not CADENCES[name].is_eventful
)


@pytest.fixture
def exchange() -> Exchange:
    return Exchange(1, Clock(), DEFAULT_ACCOUNTS)


@pytest.fixture
def rows(exchange: Exchange) -> ChannelRows:
    return ChannelRows(exchange)


@pytest.mark.parametrize("name", ASKED)
def test_every_public_channel_finds_its_rows(rows: ChannelRows, name: str) -> None:
    found = rows.rows(name, SUBJECTS[CHANNELS[name].subject])
    assert bool(found) is (name != "status")


def test_candles_are_of_the_last_price_of_the_mark_or_of_the_index(rows: ChannelRows) -> None:
    assert len(rows.rows("candle1m", "BTC-USDT")[0]) == 9
    assert len(rows.rows("mark-price-candle1m", "BTC-USDT-SWAP")[0]) == 6
    assert len(rows.rows("index-candle1m", "BTC-USD")[0]) == 6


def test_the_mark_price_of_a_pair_is_that_of_its_margin_instrument(rows: ChannelRows) -> None:
    (row,) = rows.rows("mark-price", "BTC-USDT")
    assert (row["instId"], row["instType"]) == ("BTC-USDT", "MARGIN")


@pytest.mark.parametrize("depth", [1, 5, 400])
def test_a_book_has_the_depth_that_was_asked_for(rows: ChannelRows, depth: int) -> None:
    book = rows.book("BTC-USDT", depth)
    assert len(book["asks"]) == len(book["bids"]) == depth
    assert float(book["bids"][0][0]) < float(book["asks"][0][0])


def test_what_has_expired_has_no_rows(rows: ChannelRows) -> None:
    assert list(rows.rows("tickers", "BTC-USDT-200101")) == []
    book = rows.book("BTC-USDT-200101", 5)
    assert (book["asks"], book["bids"]) == ([], [])


def test_an_account_shows_balances_and_positions(exchange: Exchange, rows: ChannelRows) -> None:
    assert list(rows.positions(UID)) == []
    swap = exchange.market.listing.find("BTC-USDT-SWAP")
    assert swap is not None
    order: dict[str, Any] = {"instId": swap.inst_id, "tdMode": "cross", "side": "buy"}
    exchange.place(UID, [order | {"ordType": "market", "sz": "1"}])
    assert [row["instId"] for row in rows.positions(UID)] == [swap.inst_id]
    assert {row["ccy"] for row in rows.balance(UID, ("BTC",))["details"]} == {"BTC"}
    both = rows.balance_and_position(UID)
    assert both["eventType"] == "snapshot"
    assert {"ccy", "cashBal", "uTime"} == set(both["balData"][0])
    assert [row["instId"] for row in both["posData"]] == [swap.inst_id]
