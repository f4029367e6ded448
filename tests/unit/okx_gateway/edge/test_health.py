"""Through a real server and a real channel, but for a reader that takes nothing."""

import asyncio
import time
from typing import Any

import grpc
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from okx_gateway.edge import health as module
from okx_gateway.edge.health import Health
from tests.fakes.grpc_calls import Calls, Running, running
from tests.fakes.messages import SERVICE

NAME_OF = health_pb2.HealthCheckResponse.ServingStatus.Name


def stub_of(gateway: Running) -> Any:
    return health_pb2_grpc.HealthStub(gateway.channel)


def asked(service: str) -> health_pb2.HealthCheckRequest:
    return health_pb2.HealthCheckRequest(service=service)


async def next_of(watch: Any) -> str:
    async with asyncio.timeout(2):
        answer = await watch.read()
    return "" if answer is grpc.aio.EOF else NAME_OF(answer.status)


async def test_what_is_not_known_is_not_found() -> None:
    async with running(Calls()) as gateway:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub_of(gateway).Check(asked("another.Service"))
        assert failed.value.code() is grpc.StatusCode.NOT_FOUND


async def test_all_that_is_told_of_is_listed() -> None:
    async with running(Calls()) as gateway:
        gateway.server.tell_ready(ready=True)
        listed = await stub_of(gateway).List(health_pb2.HealthListRequest())
    told = {name: NAME_OF(each.status) for name, each in listed.statuses.items()}
    assert told == {"liveness": "SERVING", "": "SERVING", SERVICE: "SERVING"}


async def test_a_watch_tells_now_and_at_every_change() -> None:
    async with running(Calls()) as gateway:
        watch = stub_of(gateway).Watch(asked(SERVICE))
        other = stub_of(gateway).Watch(asked("another.Service"))
        assert await next_of(watch) == "NOT_SERVING"
        assert await next_of(other) == "SERVICE_UNKNOWN"
        gateway.server.tell_ready(ready=True)
        assert await next_of(watch) == "SERVING"
        gateway.server.tell_ready(ready=True)
        gateway.server.tell_ready(ready=False)
        assert await next_of(watch) == "NOT_SERVING"


async def test_watches_are_told_of_the_stop_and_do_not_hold_it_up() -> None:
    async with running(Calls()) as gateway:
        gateway.server.tell_ready(ready=True)
        watches = [stub_of(gateway).Watch(asked(name)) for name in ("", "liveness")]
        assert [await next_of(each) for each in watches] == ["SERVING"] * 2
        started_s = time.monotonic()
        await gateway.server.stop(5)
        assert time.monotonic() - started_s < 1
        assert [await next_of(each) for each in watches] == ["NOT_SERVING"] * 2
        assert [await next_of(each) for each in watches] == [""] * 2


async def test_watches_beyond_the_limit_are_refused_until_one_leaves(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(module, "_WATCHES_MAX", 1)
    async with running(Calls()) as gateway:
        watch = stub_of(gateway).Watch(asked(""))
        assert await next_of(watch) == "NOT_SERVING"
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await stub_of(gateway).Watch(asked("")).read()
        assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
        watch.cancel()
        async with asyncio.timeout(2):
            while True:
                try:
                    assert await next_of(stub_of(gateway).Watch(asked(""))) == "NOT_SERVING"
                except grpc.aio.AioRpcError:
                    continue
                break


async def test_a_reader_that_takes_nothing_is_ended(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(module, "_WRITE_WAIT_S", 0.01)
    ended = []

    class Aborted(Exception):  # noqa: N818  # an end, not an error
        pass

    class Stuck:
        async def write(self, _: object) -> None:
            await asyncio.Event().wait()

        async def abort(self, code: grpc.StatusCode, _: str) -> None:
            ended.append(code)
            raise Aborted

    context: Any = Stuck()
    with pytest.raises(Aborted):
        await Health(SERVICE).Watch(asked(""), context)
    assert ended == [grpc.StatusCode.UNAVAILABLE]
