"""The simulated clock and its processes do what the simulation rests on."""

import asyncio
import random

import pytest

from tests.simulation.virtual_loop import Killed, Livelock, Process, VirtualLoop


def a_loop(seed: int = 1, *, shuffled: bool = False) -> VirtualLoop:
    return VirtualLoop(random.Random(seed), shuffled=shuffled)


def never() -> bool:
    return False


def test_time_jumps_to_the_next_timer() -> None:
    loop, seen = a_loop(), []
    one = Process("one", 1)

    async def work() -> None:
        await asyncio.sleep(3_600)
        seen.append(loop.now_us)

    loop.spawn(one, work())
    assert not loop.run(never)
    assert seen == [3_600_000_000]


def test_each_process_sleeps_by_its_own_clock() -> None:
    loop, seen = a_loop(), {}
    fast = Process("fast", 1, drift_ppm=100, boot_us=77)
    slow = Process("slow", 2, drift_ppm=-100)

    async def work(process: Process) -> None:
        begun_s = loop.time()
        await asyncio.sleep(1_000)
        assert loop.time() - begun_s == pytest.approx(1_000, abs=1e-3)
        seen[process.name] = loop.now_us

    for process in (fast, slow):
        loop.spawn(process, work(process))
    loop.run(never)
    assert seen == {
        "fast": pytest.approx(999_900_010, abs=2),
        "slow": pytest.approx(1_000_100_010, abs=2),
    }
    assert loop.errors == []


def test_a_paused_process_goes_on_where_it_was_and_others_do_not_wait() -> None:
    loop, seen = a_loop(), []
    one, other = Process("one", 1), Process("other", 2)

    async def work(process: Process) -> None:
        for _ in range(3):
            await asyncio.sleep(1)
            seen.append((process.name, loop.now_us // 1_000_000))

    for process in (one, other):
        loop.spawn(process, work(process))
    loop.at_us(1_500_000, loop.pause, one)
    loop.at_us(9_000_000, loop.resume, one)
    loop.run(never)
    assert sorted(seen) == [
        *(("one", 1), ("one", 9), ("one", 10)),
        *(("other", 1), ("other", 2), ("other", 3)),
    ]


def test_the_clock_of_a_suspended_process_stands_still() -> None:
    loop, seen = a_loop(), []
    one = Process("one", 1)

    async def work() -> None:
        begun_s = loop.time()
        await asyncio.sleep(3)
        seen.append((loop.now_us, loop.time() - begun_s))

    loop.spawn(one, work())
    loop.at_us(1_000_000, loop.suspend, one, 60_000_000)
    loop.run(never)
    [(woken_us, slept_s)] = seen
    assert woken_us == 63_000_000
    assert slept_s == pytest.approx(3)


def test_a_killed_process_runs_nothing_more_not_even_its_clean_up() -> None:
    loop, seen = a_loop(), []
    one = Process("one", 1)

    async def work() -> None:
        try:
            await asyncio.sleep(5)
        finally:
            seen.append("cleaned up")

    loop.spawn(one, work())
    loop.at_us(1_000_000, loop.kill, one)
    loop.run(never)
    assert seen == []


def test_a_process_stalls_between_two_statements() -> None:
    loop, seen = a_loop(), []
    one, other = Process("one", 1), Process("other", 2)

    async def work() -> None:
        task = asyncio.current_task()
        seen.append(("before", loop.now_us))
        loop.stall(one, 2_000_000)
        seen.append(("after", loop.now_us))
        assert asyncio.current_task() is task
        await asyncio.sleep(1)
        seen.append(("later", loop.now_us))

    async def tick() -> None:
        await asyncio.sleep(1)
        seen.append(("tick", loop.now_us))

    loop.spawn(one, work())
    loop.spawn(other, tick())
    loop.run(never)
    assert seen == [
        ("before", 0),
        ("tick", 1_000_000),
        ("after", 2_000_000),
        ("later", 3_000_000),
    ]
    assert loop.errors == []


def test_a_process_killed_while_it_stalls_does_not_go_on() -> None:
    loop, seen = a_loop(), []
    one = Process("one", 1)

    async def work() -> None:
        try:
            loop.stall(one, 2_000_000)
        except Killed:
            seen.append("killed")
            raise
        seen.append("went on")

    loop.spawn(one, work())
    loop.at_us(1_000_000, loop.kill, one)
    loop.run(never)
    loop.close()
    assert seen == ["killed"]
    assert loop.errors == []


def test_an_error_that_nobody_heard_of_is_kept() -> None:
    loop = a_loop()

    async def fail() -> None:
        raise ValueError("broken")

    loop.spawn(Process("one", 1), fail())
    loop.run(never)
    loop.close()
    [error] = loop.errors
    assert "ValueError('broken')" in error


def test_going_round_in_circles_is_noticed() -> None:
    loop = a_loop()

    def again() -> None:
        loop.call_soon(again)

    again()
    with pytest.raises(Livelock):
        loop.run(never)
    loop.close()


def order_of_ten(seed: int, *, shuffled: bool) -> list[str]:
    loop, seen = a_loop(seed, shuffled=shuffled), []

    async def work(name: str) -> None:
        await asyncio.sleep(1)
        seen.append(name)

    for index in (1, 2):
        process = Process(f"p{index}", index)
        for number in range(5):
            loop.spawn(process, work(f"{process.name}.{number}"))
    loop.run(never)
    return seen


def test_the_order_of_one_moment_comes_from_the_seed() -> None:
    assert order_of_ten(1, shuffled=False) == order_of_ten(1, shuffled=False)
    assert order_of_ten(1, shuffled=False) != order_of_ten(2, shuffled=False)


def test_one_process_keeps_its_order_unless_shuffled() -> None:
    plain = [each for each in order_of_ten(3, shuffled=False) if each.startswith("p1")]
    assert plain == sorted(plain)
    mixed = [each for each in order_of_ten(3, shuffled=True) if each.startswith("p1")]
    assert mixed != sorted(mixed)
