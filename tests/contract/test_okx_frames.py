"""Frames as OKX sends them, with every field it has: read without loss, whatever it adds to them.

The files in `frames` are pushes of OKX, from its documentation and from connections to it, with the
names and forms of all fields as they came.
"""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import orjson
import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.okx.balance_codec import balance_from_row
from okx_gateway.okx.candle_codec import candle_from_row
from okx_gateway.okx.channel import Channel
from okx_gateway.okx.order_book_codec import book_update_from_row
from okx_gateway.okx.order_change_codec import counted_order_from_row, fill_from_push
from okx_gateway.okx.reply import Row, UnreadableReplyError
from okx_gateway.okx.socket_event import Pushed, Subscribed
from okx_gateway.okx.socket_frame import channel_of_argument
from okx_gateway.okx.socket_session import SocketSession
from okx_gateway.okx.ticker_codec import ticker_from_row
from okx_gateway.okx.trade_codec import trade_from_row

FRAMES = {
    path.stem: orjson.loads(path.read_bytes())
    for path in sorted((Path(__file__).parent / "frames").glob("*.json"))
}
READ: dict[str, Callable[[Row], Any]] = {
    "orders": lambda row: (counted_order_from_row(row), fill_from_push(row)),
    "account": balance_from_row,
    "books": lambda row: book_update_from_row(row, "BTC-USDT", receive_ms=1),
    "candle1D": lambda row: candle_from_row(row, "BTC-USDT", receive_ms=1),
    "tickers": lambda row: ticker_from_row(row, receive_ms=1),
    "trades": lambda row: trade_from_row(row, receive_ms=1),
}
# Words of which OKX may have new ones.
WORDS = (
    "state",
    "ordType",
    "instType",
    "category",
    "side",
    "execType",
    "tdMode",
    "posSide",
    "tgtCcy",
)

JSON = st.recursive(
    st.none() | st.booleans() | st.integers(-(2**53), 2**53) | st.text(max_size=8),
    lambda inner: (
        st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
    ),
    max_leaves=6,
)
each_frame = pytest.mark.parametrize("name", FRAMES)


def pushed(frame: dict[str, Any], channel: Channel) -> list[Row]:
    """What a connection that has subscribed `channel` tells of a frame."""
    session = SocketSession("s", now_s=0.0)
    session.want(channel)
    session.to_send(0.0)
    events = session.received(orjson.dumps(frame), now_s=0.1, receive_ms=1)
    match events:
        case [Subscribed(), Pushed(_, rows, _)]:
            return rows
    raise AssertionError(events)


def read(frame: dict[str, Any], channel: Channel) -> list[Any]:
    return [READ[channel.name](row) for row in pushed(frame, channel)]


def channel_of(name: str) -> Channel:
    return channel_of_argument(FRAMES[name]["arg"])


def test_the_gateway_reads_frames_of_every_kind_that_it_subscribes() -> None:
    assert {channel_of(name).name for name in FRAMES} == set(READ)


@each_frame
def test_a_frame_is_read(name: str) -> None:
    assert all(each is not None for each in read(FRAMES[name], channel_of(name)))


def test_an_order_is_read_without_loss() -> None:
    [row] = FRAMES["orders_filled"]["data"]
    [(order, fill)] = read(FRAMES["orders_filled"], channel_of("orders_filled"))
    assert (order.exchange_order_id, order.client_order_id) == (row["ordId"], row["clOrdId"])
    assert (order.quantity, order.filled_quantity) == (row["sz"], row["accFillSz"])
    assert (order.average_price, order.fee) == (row["avgPx"], row["fee"])
    assert (order.place_ms, order.update_ms) == (int(row["cTime"]), int(row["uTime"]))
    assert (fill.trade_id, fill.quantity, fill.price) == (
        row["tradeId"],
        row["fillSz"],
        row["fillPx"],
    )


def test_balances_are_read_without_loss() -> None:
    [row] = FRAMES["account"]["data"]
    [balance] = read(FRAMES["account"], channel_of("account"))
    told = {each.currency: each for each in balance.currencies}
    assert set(told) == {detail["ccy"] for detail in row["details"]}
    for detail in row["details"]:
        assert told[detail["ccy"]].equity == detail["eq"]
        assert told[detail["ccy"]].available == detail["availBal"]


@pytest.mark.parametrize("name", ["books_snapshot", "books_update"])
def test_a_book_is_read_without_loss(name: str) -> None:
    [row] = FRAMES[name]["data"]
    [book] = read(FRAMES[name], channel_of(name))
    for side in ("asks", "bids"):
        levels = [(each.price, each.quantity) for each in getattr(book, side)]
        assert levels == [(price, quantity) for price, quantity, *_ in row[side]]
    assert book.sequence == row["seqId"]
    assert book.previous_sequence == row["prevSeqId"]


@each_frame
@given(key=st.text(max_size=5), new=JSON, more=st.lists(st.text(max_size=5), max_size=2))
def test_what_okx_adds_changes_nothing(name: str, key: str, new: object, more: list[str]) -> None:
    grown = _grown(FRAMES[name], {f"new{key}": new}, more)
    assert repr(read(grown, channel_of(name))) == repr(read(FRAMES[name], channel_of(name)))


@each_frame
@given(word=st.text(min_size=1, max_size=12), field=st.sampled_from(WORDS))
def test_a_new_word_breaks_nothing(name: str, word: str, field: str) -> None:
    frame = orjson.loads(orjson.dumps(FRAMES[name]))
    for row in frame["data"]:
        if isinstance(row, dict) and field in row:
            row[field] = word
    for row in pushed(frame, channel_of(name)):
        try:
            READ[channel_of(name).name](row)
        except UnreadableReplyError:
            assert field in ("state", "side")


def _grown(value: Any, new: dict[str, object], more: list[str]) -> Any:
    """`value` with something new in each object, and at the end of each row of numbers."""
    if isinstance(value, dict):
        return {key: _grown(each, new, more) for key, each in value.items()} | new
    if isinstance(value, list) and value and isinstance(value[0], str):
        return value + more
    if isinstance(value, list):
        return [_grown(each, new, more) for each in value]
    return value
