import asyncio
import os
import signal
import sys
import time
from collections.abc import Callable
from pathlib import Path

import pytest

from okx_gateway.cli import child_process as module
from okx_gateway.cli.child_process import ChildFailedError, child_process

GONE_WAIT_S = 10.0
WAITS = "import os, time; print(os.getpid(), flush=True); time.sleep(60)"
DEAF = f"import signal; signal.signal(signal.SIGTERM, signal.SIG_IGN); {WAITS}"
PARENT = f"""
import asyncio, sys
from okx_gateway.cli.child_process import child_process

async def main():
    command = [sys.executable, "-c", {WAITS!r}]
    async with child_process(command, is_ready=str.isdigit, wait_s=30, name="x") as lines:
        print(lines[-1], flush=True)
        await asyncio.sleep(60)

asyncio.run(main())
"""


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def alive(pid: int) -> bool:
    """Whether it runs; a zombie that nobody has collected yet does not."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return False
    return state not in "ZX"


async def becomes(condition: Callable[[], bool]) -> None:
    give_up_s = time.monotonic() + GONE_WAIT_S
    while not condition():
        assert time.monotonic() < give_up_s
        await asyncio.sleep(0.01)


async def test_it_runs_for_the_block_and_is_gone_afterwards() -> None:
    code = "print('one'); print('two', flush=True); " + WAITS
    async with child_process(python(code), is_ready=str.isdigit, wait_s=30, name="x") as lines:
        assert lines[:2] == ["one", "two"]
        pid = int(lines[2])
        assert alive(pid)
    assert not alive(pid)


async def test_it_is_ended_where_the_block_fails() -> None:
    pids: list[int] = []

    async def block() -> None:
        async with child_process(python(WAITS), is_ready=bool, wait_s=30, name="x") as lines:
            pids.extend(map(int, lines))
            raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        await block()
    assert [alive(pid) for pid in pids] == [False]


async def test_its_environment_is_ours_and_what_is_put_over_it(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setenv("INHERITED", "a")
    monkeypatch.setenv("REPLACED", "b")
    code = "import os; print(os.environ['INHERITED'] + os.environ['REPLACED'])"
    async with child_process(
        python(code), is_ready=bool, wait_s=30, name="x", environ={"REPLACED": "c"}
    ) as lines:
        assert lines == ["ac"]


async def test_one_that_ends_early_is_told_of_with_what_it_said() -> None:
    code = "import sys; print('starting', flush=True); sys.exit('no such file')"
    with pytest.raises(ChildFailedError) as caught:
        async with child_process(python(code), is_ready=str.isdigit, wait_s=30, name="the server"):
            pytest.fail("it was never ready")
    assert str(caught.value) == "the server did not start:\nstarting\nno such file"


async def test_a_line_without_an_end_and_a_missing_program_are_told_of() -> None:
    endless = python("print('x' * (3 << 20), end='')")
    for command in (endless, ["/no/such/program"]):
        with pytest.raises(ChildFailedError):
            async with child_process(command, is_ready=str.isdigit, wait_s=30, name="x"):
                pytest.fail("it was never ready")


async def test_no_more_than_its_last_lines_are_told() -> None:
    code = "print(*range(100), sep='\\n')"
    with pytest.raises(ChildFailedError) as caught:
        async with child_process(python(code), is_ready=lambda _: False, wait_s=30, name="x"):
            pytest.fail("it was never ready")
    assert str(caught.value).split("\n")[1:] == [str(number) for number in range(80, 100)]


async def test_one_that_prints_nothing_is_given_up_and_ended(tmp_path: Path) -> None:
    pid_file = tmp_path / "pid"
    command = ["sh", "-c", f"echo $$ > '{pid_file}'; exec sleep 60"]
    with pytest.raises(ChildFailedError, match="silent did not start"):
        async with child_process(command, is_ready=bool, wait_s=0.5, name="silent"):
            pytest.fail("it was never ready")
    assert not alive(int(pid_file.read_text()))


async def test_one_that_ignores_the_signal_is_killed(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_STOP_WAIT_S", 0.1)
    async with child_process(python(DEAF), is_ready=bool, wait_s=30, name="x") as lines:
        pid = int(lines[0])
        os.kill(pid, signal.SIGTERM)
        await asyncio.sleep(0.05)
        assert alive(pid)
    assert not alive(pid)


async def test_one_that_has_ended_by_itself_is_no_failure() -> None:
    async with child_process(python("print('ready')"), is_ready=bool, wait_s=30, name="x") as lines:
        await asyncio.sleep(0.1)
        assert lines == ["ready"]


async def test_one_that_prints_much_does_not_stand_still(tmp_path: Path) -> None:
    done = tmp_path / "done"
    code = f"print('ready'); print('x' * (1 << 22), flush=True); open({str(done)!r}, 'w').close()"
    async with child_process(python(code), is_ready=bool, wait_s=30, name="x"):
        await becomes(done.exists)


@pytest.mark.skipif(sys.platform != "linux", reason="only Linux ends a child with its parent")
async def test_it_ends_with_a_parent_that_is_killed() -> None:
    parent = await asyncio.create_subprocess_exec(*python(PARENT), stdout=asyncio.subprocess.PIPE)
    assert parent.stdout is not None
    pid = int(await asyncio.wait_for(parent.stdout.readline(), 30))
    assert alive(pid)
    parent.kill()
    await parent.wait()
    await becomes(lambda: not alive(pid))
