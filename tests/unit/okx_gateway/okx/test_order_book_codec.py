import pytest

from okx_gateway.okx.order_book_codec import book_update_from_row, order_book_from_row
from okx_gateway.okx.reply import UnreadableReplyError

# OKX docs, "Get order book", the example of a response, and "seqId" as it comes since.
ROW: dict[str, object] = {
    "asks": [["41006.8", "0.60038921", "0", "1"], ["41006.9", "1", "0", "12"]],
    "bids": [["41006.3", "0.30178218", "0", "2"]],
    "ts": "1629966436396",
    "seqId": 3235851742,
}


def test_a_book_is_read() -> None:
    book = order_book_from_row(ROW, "BTC-USDT", receive_ms=5)
    assert book.instrument == "BTC-USDT"
    assert book.asks == (("41006.8", "0.60038921", 1), ("41006.9", "1", 12))
    assert book.bids == (("41006.3", "0.30178218", 2),)
    assert (book.sequence, book.exchange_ms, book.receive_ms) == (3235851742, 1629966436396, 5)


@pytest.mark.parametrize(
    "wrong",
    [
        {"asks": None},
        {"asks": {}},
        {"asks": [["1", "2", "0"]]},
        {"asks": [[1.5, "2", "0", "1"]]},
        {"bids": [["1", 2, "0", "1"]]},
        {"bids": [["1", "2", "0", "many"]]},
        {"bids": [5]},
        {"ts": "soon"},
        {"seqId": None},
        {"seqId": "7"},
        {"seqId": True},
    ],
)
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        order_book_from_row(ROW | wrong, "BTC-USDT", receive_ms=5)


def test_a_change_says_on_what_it_follows() -> None:
    row = ROW | {"prevSeqId": 3235851741, "checksum": 0}
    update = book_update_from_row(row, "BTC-USDT", receive_ms=5)
    assert (update.previous_sequence, update.sequence) == (3235851741, 3235851742)
    assert update.asks == (("41006.8", "0.60038921", 1), ("41006.9", "1", 12))
    assert (update.exchange_ms, update.receive_ms) == (1629966436396, 5)


@pytest.mark.parametrize("previous", [None, "1", 1.5])
def test_a_change_that_does_not_say_it_is_not_read(previous: object) -> None:
    with pytest.raises(UnreadableReplyError):
        book_update_from_row(ROW | {"prevSeqId": previous}, "BTC-USDT", receive_ms=5)
