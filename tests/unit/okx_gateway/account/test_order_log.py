import pytest

from okx_gateway.account.order_log import OrderLog, Position, position_from_token
from okx_gateway.domain.order_event import OrderChange
from tests.fakes.live_orders import a_live_order


def change(number: int) -> OrderChange:
    return OrderChange(a_live_order(str(number)), None, recovered=False, receive_ms=0)


def names(log: OrderLog, position: Position, count_max: int = 100) -> list[str]:
    return [
        each.change.order.exchange_order_id for each in log.after(position, count_max=count_max)
    ]


@pytest.fixture
def log() -> OrderLog:
    log = OrderLog("a1", kept_max=10)
    log.add(change(number) for number in range(1, 5))
    return log


def test_a_reader_goes_on_behind_its_token(log: OrderLog) -> None:
    token = log.after(Position("a1", 0), count_max=2)[-1].token
    position = position_from_token(token)
    assert position is not None
    assert log.has(position)
    assert names(log, position) == ["3", "4"]
    assert log.behind(position) == 2


def test_at_the_end_there_is_nothing_until_something_comes(log: OrderLog) -> None:
    position = log.end
    assert names(log, position) == []
    log.add([change(5)])
    assert names(log, position) == ["5"]


def test_as_many_changes_as_are_kept_can_be_read_again(log: OrderLog) -> None:
    for number in range(5, 58):
        log.add([change(number)])
        oldest = max(0, number - 10)
        assert log.has(Position("a1", oldest))
        assert not log.has(Position("a1", oldest - 1))
        assert names(log, Position("a1", oldest), count_max=1) == [str(oldest + 1)]


def test_a_token_of_another_log_is_not_of_this(log: OrderLog) -> None:
    assert not log.has(Position("b2", 2))
    assert not log.has(Position("a1", 5))


@pytest.mark.parametrize(
    "token", ["", "a1", "a1-", "-3", "a1-x", "a1-²", "a1--1x", "a1-" + "9" * 16]
)
def test_what_is_no_token_is_no_position(token: str) -> None:
    assert position_from_token(token) is None
