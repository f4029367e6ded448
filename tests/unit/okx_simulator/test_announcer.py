import pytest

from okx_simulator.announcer import LISTENERS_MAX, Announcer
from okx_simulator.event import Event, TickerUpdated


def test_everyone_is_told_in_order() -> None:
    assert not Announcer().is_heard
    announcer, heard = Announcer(), list[tuple[int, Event]]()
    announcer.listen(lambda event: heard.append((1, event)))
    announcer.listen(lambda event: heard.append((2, event)))
    assert announcer.is_heard
    announcer.emit(TickerUpdated("A"))
    announcer.emit(TickerUpdated("B"))
    told = [(number, event.inst_id) for number, event in heard if isinstance(event, TickerUpdated)]
    assert told == [(1, "A"), (2, "A"), (1, "B"), (2, "B")]


def test_listeners_are_bounded() -> None:
    announcer = Announcer()
    for _ in range(LISTENERS_MAX):
        announcer.listen(lambda _: None)
    with pytest.raises(ValueError, match="more than 16"):
        announcer.listen(lambda _: None)
