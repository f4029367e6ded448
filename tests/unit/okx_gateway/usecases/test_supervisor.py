import asyncio
import time

import pytest

from okx_gateway.domain.errors import CancelOutcomeUnknownError, OverloadedError, StoppingError
from okx_gateway.usecases.supervisor import Supervisor


async def after(delay_s: float, done: list[str], name: str = "work") -> str:
    await asyncio.sleep(delay_s)
    done.append(name)
    return name


async def test_work_runs_to_its_end_when_its_caller_has_gone() -> None:
    supervisor, done = Supervisor(tasks_max=2), list[str]()

    async def caller() -> None:
        await asyncio.wait({supervisor.start(after(0.05, done))})

    calling = asyncio.ensure_future(caller())
    await asyncio.sleep(0.01)
    calling.cancel()
    assert await supervisor.drain(1) == 0
    assert done == ["work"]


async def test_too_many_at_once_are_not_begun() -> None:
    supervisor, done = Supervisor(tasks_max=2), list[str]()
    tasks = [supervisor.start(after(0.02, done)) for _ in range(2)]
    with pytest.raises(OverloadedError) as overloaded:
        supervisor.start(after(0, done))
    assert overloaded.value.metadata == {"limit": "2"}
    await asyncio.gather(*tasks)
    await supervisor.start(after(0, done))
    assert len(done) == 3


async def test_orders_and_what_they_leave_to_do_take_no_room_that_is_kept_for_cancels() -> None:
    supervisor, done = Supervisor(tasks_max=10), list[str]()
    for _ in range(9):
        supervisor.start(after(0.05, done), placing=True)
    for _ in range(5):
        supervisor.follow_up(after(0.05, done))
    with pytest.raises(OverloadedError):
        supervisor.start(after(0, done), placing=True)
    assert await supervisor.start(after(0, done, "cancel")) == "cancel"
    assert await supervisor.drain(1) == 0
    assert len(done) == 15


async def test_what_a_task_left_to_do_is_taken_even_beyond_the_limit_and_while_draining() -> None:
    supervisor, done = Supervisor(tasks_max=1), list[str]()

    async def work() -> None:
        await asyncio.sleep(0.02)
        supervisor.follow_up(after(0.02, done, "settled"))

    supervisor.start(work())
    assert await supervisor.drain(1) == 0
    assert done == ["settled"]


async def test_nothing_is_begun_once_it_drains() -> None:
    supervisor, done = Supervisor(tasks_max=1), list[str]()
    await supervisor.drain(0)
    with pytest.raises(StoppingError):
        supervisor.start(after(0, done))
    assert done == []


async def test_draining_ends_with_its_grace_and_counts_what_is_left() -> None:
    supervisor, done = Supervisor(tasks_max=3), list[str]()
    for delay_s in (0.01, 30, 30):
        supervisor.start(after(delay_s, done))
    started_s = time.monotonic()
    assert await supervisor.drain(0.1) == 2
    assert time.monotonic() - started_s < 1
    assert done == ["work"]


async def test_a_failure_nobody_waits_for_is_logged_unless_a_caller_could_be_told_of_it(
    capsys: pytest.CaptureFixture[str],
) -> None:
    supervisor = Supervisor(tasks_max=2)

    async def fail(error: Exception) -> None:
        raise error

    supervisor.start(fail(CancelOutcomeUnknownError("a1")))
    await supervisor.drain(1)
    assert "a task failed" not in capsys.readouterr().out
    supervisor.follow_up(fail(RuntimeError("a defect")))
    await supervisor.drain(1)
    assert "a task failed" in capsys.readouterr().out
