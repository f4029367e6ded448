from itertools import pairwise

import pytest

from okx_simulator.error_code import RefusedError
from tests.support.trading_floor import SPOT, SWAP, Floor


@pytest.fixture(scope="module")
def floor() -> Floor:
    return Floor()


def code_of(floor: Floor, path: str, **params: str) -> str:
    with pytest.raises(RefusedError) as refused:
        floor.get(f"/market/{path}", **params)
    return refused.value.code


@pytest.mark.parametrize(
    ("path", "params", "code"),
    [
        ("ticker", {}, "50014"),
        ("tickers", {}, "50014"),
        ("index-tickers", {}, "50015"),
        ("index-tickers", {"instId": "NO-SUCH"}, "51001"),
        ("books", {"instId": SPOT, "sz": "401"}, "51000"),
        ("trades", {"instId": SPOT, "limit": "501"}, "51000"),
        ("candles", {"instId": SPOT, "bar": "7m"}, "51000"),
        ("candles", {"instId": "NO-SUCH"}, "51001"),
        ("index-candles", {"instId": "BTC-XYZ"}, "51001"),
        ("history-trades", {"instId": SPOT, "type": "2", "before": "1"}, "50039"),
    ],
)
def test_what_is_asked_wrongly(floor: Floor, path: str, params: dict[str, str], code: str) -> None:
    assert code_of(floor, path, **params) == code


def test_tickers_are_those_of_a_type(floor: Floor) -> None:
    rows = floor.get("/market/tickers", instType="FUTURES")
    assert {row["instType"] for row in rows} == {"FUTURES"}
    (one,) = floor.get("/market/ticker", instId=rows[0]["instId"])
    assert one == rows[0]


def test_indexes_are_named_by_pair(floor: Floor) -> None:
    (row,) = floor.get("/market/index-tickers", instId="BTC-USD")
    assert float(row["low24h"]) <= float(row["idxPx"]) <= float(row["high24h"])
    names = {row["instId"] for row in floor.get("/market/index-tickers", quoteCcy="USDT")}
    assert {"BTC-USDT", "ETH-USDT"} <= names


def test_books_are_as_deep_as_asked(floor: Floor) -> None:
    (row,) = floor.get("/market/books", instId=SPOT)
    assert [len(row["asks"]), len(row["bids"])] == [1, 1]
    (row,) = floor.get("/market/books-full", instId=SPOT, sz="5000")
    assert {len(level) for level in (*row["asks"], *row["bids"])} == {3}
    for side, falling in (("asks", False), ("bids", True)):
        prices = [float(level[0]) for level in row[side]]
        assert prices == sorted(prices, reverse=falling)


def test_trades_page_by_id_and_by_time(floor: Floor) -> None:
    newest = floor.get("/market/history-trades", instId=SPOT, limit="4")
    cursor = newest[1]
    by_id = floor.get("/market/history-trades", instId=SPOT, after=cursor["tradeId"], limit="2")
    assert by_id == newest[2:]
    by_time = floor.get(
        "/market/history-trades", instId=SPOT, type="2", after=cursor["ts"], limit="2"
    )
    assert by_time == newest[2:]
    newer = floor.get("/market/history-trades", instId=SPOT, before=cursor["tradeId"], limit="4")
    assert newer == newest[:1]
    assert len(floor.get("/market/trades", instId=SPOT, limit="300")) == 300


def test_candles_page_by_time(floor: Floor) -> None:
    rows = floor.get("/market/candles", instId=SPOT, bar="5m")
    assert len(rows) == 100
    assert [row[8] for row in rows] == ["0", *["1"] * 99]
    for newer, older in pairwise(rows):
        assert int(newer[0]) - int(older[0]) == 300_000
    older = floor.get("/market/candles", instId=SPOT, bar="5m", after=rows[9][0], limit="5")
    assert older == rows[10:15]
    newer = floor.get("/market/candles", instId=SPOT, bar="5m", before=rows[3][0])
    assert newer == rows[:3]
    assert len(floor.get("/market/candles", instId=SPOT, limit="1000")) == 300


def test_history_is_complete(floor: Floor) -> None:
    recent = floor.get("/market/candles", instId=SPOT, bar="1H", limit="4")
    assert floor.get("/market/history-candles", instId=SPOT, bar="1H", limit="3") == recent[1:]


def test_candles_of_index_and_mark_have_no_volume(floor: Floor) -> None:
    index = floor.get("/market/index-candles", instId="BTC-USD", limit="2")
    mark = floor.get("/market/mark-price-candles", instId=SWAP, limit="2")
    assert {len(row) for row in (*index, *mark)} == {6}
    assert float(mark[0][4]) > float(index[0][4])
    past = floor.get("/market/history-mark-price-candles", instId=SWAP, limit="1")
    assert past == mark[1:]
    assert floor.get("/market/history-index-candles", instId="BTC-USD", limit="1") == index[1:]
