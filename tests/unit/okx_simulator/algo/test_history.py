from decimal import Decimal

import pytest

from okx_simulator.algo import history as algo_history
from okx_simulator.algo.algo import CANCELED, Algo
from okx_simulator.algo.history import KEPT_MS, AlgoHistory
from okx_simulator.market.listing import Listing
from okx_simulator.order.order import NewOrder
from tests.support.trading_floor import START_MS, SWAP, listed

ORDER = NewOrder(listed(Listing(START_MS), SWAP), "cross", "sell", "market", Decimal(2))


def algo(number: int, client_id: str = "") -> Algo:
    return Algo(number, "1", "conditional", ORDER, START_MS, START_MS, client_id)


def close(history: AlgoHistory, one: Algo) -> None:
    one.state = CANCELED
    history.close(one)


def test_live_and_done_ones_are_found() -> None:
    history, one = AlgoHistory(), algo(1, "a")
    history.add(one)
    assert history.is_client_id_live("a")
    assert history.find("1", "") is history.find("", "a") is one
    close(history, one)
    assert not history.is_client_id_live("a")
    assert history.find("1", "") is history.find("", "a") is one
    assert (history.live, history.done(START_MS)) == ({}, [one])
    for wrong in (("2", ""), ("", "b"), ("", ""), ("x", "a")):
        assert history.find(*wrong) is None


def test_the_latest_of_a_name_is_found() -> None:
    history, first, second = AlgoHistory(), algo(1, "a"), algo(2, "a")
    history.add(first)
    close(history, first)
    history.add(second)
    assert history.find("", "a") is second


def test_three_months_are_kept_within_bounds(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(algo_history, "DONE_MAX", 2)
    history = AlgoHistory()
    for number in (1, 2, 3):
        one = algo(number, f"a{number}")
        history.add(one)
        close(history, one)
    assert [one.algo_id for one in history.done(START_MS + KEPT_MS)] == [2, 3]
    assert history.find("", "a1") is None
    assert history.done(START_MS + KEPT_MS + 1) == []
