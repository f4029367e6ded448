from typing import Any

from hypothesis import given
from hypothesis import strategies as st

from okx_simulator.websocket.channel_book import difference, snapshot, update

SIDES = st.dictionaries(st.integers(1, 30), st.integers(1, 5), max_size=20)


def _levels(side: dict[int, int]) -> list[list[str]]:
    return [[str(price), str(size), "0", "1"] for price, size in side.items()]


def _book(asks: dict[int, int], bids: dict[int, int], seq_id: int) -> dict[str, Any]:
    return {"asks": _levels(asks), "bids": _levels(bids), "ts": "17", "seqId": seq_id}


@given(SIDES, SIDES)
def test_merging_the_difference_gives_the_new_side(
    old: dict[int, int], new: dict[int, int]
) -> None:
    merged = {level[0]: level for level in _levels(old)}
    for level in difference(_levels(old), _levels(new)):
        if level[1] == "0":
            del merged[level[0]]
        else:
            merged[level[0]] = list(level)
    assert merged == {level[0]: level for level in _levels(new)}


@given(SIDES)
def test_an_unchanged_side_makes_no_difference(side: dict[int, int]) -> None:
    assert difference(_levels(side), _levels(side)) == []


def test_a_snapshot_has_everything_and_no_predecessor() -> None:
    assert snapshot(_book({3: 1}, {2: 4}, 10)) == {
        "action": "snapshot",
        "data": [
            {
                "asks": [["3", "1", "0", "1"]],
                "bids": [["2", "4", "0", "1"]],
                "ts": "17",
                "checksum": 0,
                "prevSeqId": -1,
                "seqId": 10,
            }
        ],
    }


def test_an_update_names_the_message_before() -> None:
    frame = update(_book({3: 1, 4: 1}, {2: 4}, 10), _book({4: 2}, {2: 4}, 15))
    assert frame["action"] == "update"
    row = frame["data"][0]
    assert (row["prevSeqId"], row["seqId"]) == (10, 15)
    assert row["asks"] == [["4", "2", "0", "1"], ["3", "0", "0", "0"]]
    assert row["bids"] == []


def test_without_a_change_an_update_is_empty_and_keeps_the_sequence() -> None:
    row = update(_book({3: 1}, {2: 4}, 10), _book({3: 1}, {2: 4}, 99))["data"][0]
    assert (row["asks"], row["bids"], row["prevSeqId"], row["seqId"]) == ([], [], 10, 10)
