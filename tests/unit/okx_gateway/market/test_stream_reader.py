import asyncio
import time
from dataclasses import dataclass

from okx_gateway.domain.market_notice import Gap, GapReason, Notice, Stale
from okx_gateway.market.stream_log import LatestLog, RingLog
from okx_gateway.market.stream_reader import Doubt, ReaderGroup, StreamReader, notices, wall_ms

LOST = GapReason.CONNECTION_LOST


@dataclass
class About:
    instrument: str
    last: str | None = None
    doubt: Doubt | None = None

    def value(self) -> str | None:
        return self.last


def a_group(*about: About, kept: int = 3, restarts: bool = False) -> ReaderGroup[str]:
    return ReaderGroup(about, RingLog(kept), restarts=restarts)


async def news(reader: StreamReader[str]) -> list[str | Notice]:
    return list((await reader.take(wait_s=0.01)).events)


def put(group: ReaderGroup[str], *values: str) -> None:
    for value in values:
        group.put(value, ["a"], weight=1)


async def test_who_joins_is_first_told_what_is_known_and_why_it_may_be_old() -> None:
    group = a_group(About("A", "1", Doubt(LOST, 5)), About("B"), About("C", "3", Doubt(LOST, 5)))
    reader = group.join()
    assert await news(reader) == ["1", "3", Gap(("A", "C"), LOST, 5)]
    assert await news(reader) == []


async def test_what_comes_before_the_first_take_is_told_after_what_was_known() -> None:
    group = a_group(About("A", "1"))
    reader = group.join()
    put(group, "2", "3")
    assert await news(reader) == ["1"]
    assert await news(reader) == ["2", "3"]


async def test_readers_go_at_their_own_pace() -> None:
    group = a_group(About("A"))
    fast, slow = group.join(), group.join()
    put(group, "1")
    assert await news(fast) == ["1"]
    put(group, "2")
    assert await news(fast) == ["2"]
    assert await news(slow) == ["1", "2"]


async def test_a_take_waits_for_the_next_event_and_not_longer() -> None:
    group = a_group(About("A"))
    reader = group.join()
    waiting = asyncio.ensure_future(reader.take(wait_s=5))
    await asyncio.sleep(0.01)
    put(group, "1", "2")
    started_s = time.monotonic()
    assert list((await waiting).events) == ["1", "2"]
    assert time.monotonic() - started_s < 1


async def test_who_waits_together_is_told_the_same_object() -> None:
    group = a_group(About("A"))
    readers = [group.join() for _ in range(3)]
    waiting = [asyncio.ensure_future(each.take(wait_s=5)) for each in readers]
    await asyncio.sleep(0)
    put(group, "1")
    told = await asyncio.gather(*waiting)
    assert len({id(each) for each in told}) == 1


async def test_one_who_is_too_slow_is_told_how_many_were_lost() -> None:
    group = a_group(About("A"), About("B", None, Doubt(None, 7)))
    reader = group.join()
    await news(reader)
    put(group, *"123456789")
    gap, *rest = await news(reader)
    assert isinstance(gap, Gap)
    assert (gap.instruments, gap.reason) == (("A", "B"), GapReason.READER_TOO_SLOW)
    assert abs(gap.detect_ms - wall_ms()) < 5_000
    stale = rest.pop()
    assert stale == Stale(("B",), 7)
    assert gap.lost_count + len(rest) == 9
    assert rest == list("123456789")[-len(rest) :]
    assert await news(reader) == []


async def test_one_who_is_too_slow_begins_anew_where_that_is_how_it_is_told() -> None:
    about = About("A", "whole")
    group = a_group(about, restarts=True)
    reader = group.join()
    await news(reader)
    put(group, *"123456789")
    about.last = "whole at 9"
    assert await news(reader) == ["whole at 9"]
    assert await news(reader) == []


async def test_where_the_latest_counts_nobody_is_too_slow() -> None:
    group: ReaderGroup[str] = ReaderGroup([About("A")], LatestLog(4), restarts=False)
    reader = group.join()
    put(group, *"123456789")
    assert await news(reader) == ["9"]


def test_instruments_of_one_doubt_are_told_together() -> None:
    lost, stale = Doubt(LOST, 1), Doubt(None, 1)
    assert notices([("B", lost), ("C", stale), ("A", lost)]) == [
        Gap(("A", "B"), LOST, 1),
        Stale(("C",), 1),
    ]
