"""A real server and a real channel; only what answers the calls is made up."""

import asyncio
import gc
import time
from collections.abc import AsyncGenerator, Awaitable
from typing import Any

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import error_details_pb2
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from grpc_status import rpc_status
from opentelemetry import trace
from structlog.testing import capture_logs

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import ticker_pb2
from okx_gateway.domain import errors
from okx_gateway.edge.call import Call
from okx_gateway.edge.caller import UNNAMED, believed_name
from okx_gateway.edge.grpc_server import GrpcServer
from okx_gateway.settings import ListenAddress
from tests.fakes.grpc_calls import STREAM, Calls, Running, heartbeats, running
from tests.fakes.messages import SERVICE
from tests.fakes.metering import Metered

BALANCE = f"/{SERVICE}/GetBalance"
PLACE = f"/{SERVICE}/PlaceOrder"


async def failure(call: Awaitable[object]) -> tuple[grpc.StatusCode, str, str]:
    """How a call failed: code, message and, where the gateway told it, the reason."""
    with pytest.raises(grpc.aio.AioRpcError) as failed:
        await call
    return told_by(failed.value)


def told_by(error: grpc.aio.AioRpcError) -> tuple[grpc.StatusCode, str, str]:
    status = rpc_status.from_call(error)
    info = error_details_pb2.ErrorInfo()
    if status is not None:
        assert status.details[0].Unpack(info)
    return error.code(), error.details() or "", info.reason.removeprefix("ERROR_REASON_")


async def test_a_message_reaches_its_call_and_the_answer_comes_back() -> None:
    async def answer(request: Any, _: Call) -> Message:
        return api.PlaceOrderResponse(client_order_id=request.client_order_id)

    calls = Calls(answer)
    async with running(calls) as gateway:
        request = api.PlaceOrderRequest(client_order_id="a1")
        content = await gateway.call(PLACE, request.SerializeToString())
    assert api.PlaceOrderResponse.FromString(content).client_order_id == "a1"
    [(came, call)] = calls.came
    assert came == request
    assert call.method == "PlaceOrder"
    assert call.caller == UNNAMED


async def test_the_name_of_the_caller_reaches_the_call_and_a_wrong_one_does_not() -> None:
    calls = Calls()
    async with running(calls) as gateway:
        for path in (BALANCE, STREAM):
            rpc: Any = gateway.channel.unary_unary(path)
            code, _, reason = await failure(rpc(b"", metadata=(("x-caller", "Desk"),)))
            assert (code.name, reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        rpc = gateway.channel.unary_unary(BALANCE)
        await rpc(b"", metadata=(("x-caller", "desk-7"),))
    [(_, call)] = calls.came
    assert call.caller == "desk-7"


async def test_bytes_that_are_no_message_are_an_invalid_argument() -> None:
    calls = Calls()
    async with running(calls) as gateway:
        code, message, reason = await failure(gateway.call(PLACE, b"\xff\xff\xff"))
        assert (code.name, reason) == ("INVALID_ARGUMENT", "INVALID_REQUEST")
        assert "is not a message of type PlaceOrderRequest" in message
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            async for _ in gateway.stream(b"\xff\xff\xff"):
                pass
        assert failed.value.code() is grpc.StatusCode.INVALID_ARGUMENT
    assert calls.came == []


async def test_a_message_that_is_too_long_is_refused_unread() -> None:
    calls = Calls()
    async with running(calls) as gateway:
        code, _, _ = await failure(gateway.call(PLACE, b"\x0a" * (64 * 1024 + 1)))
    assert code is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert calls.came == []


async def test_a_call_that_does_not_exist_is_unimplemented() -> None:
    async with running(Calls()) as gateway:
        code, _, _ = await failure(gateway.call(f"/{SERVICE}/Withdraw"))
    assert code is grpc.StatusCode.UNIMPLEMENTED


@pytest.mark.parametrize(("given_s", "least_s", "most_s"), [(1.0, 0.7, 0.96), (60.0, 4.5, 5.0)])
async def test_the_deadline_reaches_the_call_less_the_way_back_and_within_its_bound(
    given_s: float, least_s: float, most_s: float
) -> None:
    calls = Calls()
    async with running(calls, max_deadline_s=5.0) as gateway:
        await gateway.call(BALANCE, timeout_s=given_s)
    deadline = calls.came[0][1].deadline
    assert deadline is not None
    assert least_s - 0.3 < deadline.remaining_s() <= most_s


async def test_without_a_deadline_there_is_none() -> None:
    calls = Calls()
    async with running(calls) as gateway:
        await gateway.call(BALANCE, timeout_s=None)
    assert calls.came[0][1].deadline is None


async def test_an_error_comes_with_its_details() -> None:
    async def answer(_: Any, __: Call) -> Message:
        raise errors.BudgetExhaustedError("get_balance", 1_500)

    async with running(Calls(answer)) as gateway:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await gateway.call(BALANCE)
    status = rpc_status.from_call(failed.value)
    assert status is not None
    info, quota, retry = (
        error_details_pb2.ErrorInfo(),
        error_details_pb2.QuotaFailure(),
        error_details_pb2.RetryInfo(),
    )
    for packed, detail in zip(status.details, (info, quota, retry), strict=True):
        assert packed.Unpack(detail)
    assert failed.value.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    assert info.reason == "ERROR_REASON_BUDGET_EXHAUSTED"
    assert info.metadata["window"] == "get_balance"
    assert retry.retry_delay.ToMilliseconds() == 1_500


async def test_a_defect_is_internal_and_says_nothing_of_itself() -> None:
    async def answer(_: Any, __: Call) -> Message:
        raise RuntimeError("a secret")

    with capture_logs() as logs:
        async with running(Calls(answer)) as gateway:
            code, message, reason = await failure(gateway.call(BALANCE))
    assert (code.name, reason) == ("INTERNAL", "INTERNAL")
    assert "secret" not in message
    assert [entry["event"] for entry in logs] == ["a call failed"]


async def test_the_callers_trace_reaches_the_call() -> None:
    traces: list[str] = []

    async def answer(_: Any, __: Call) -> Message:
        traces.append(f"{trace.get_current_span().get_span_context().trace_id:032x}")
        return api.GetBalanceResponse()

    async with running(Calls(answer)) as gateway:
        rpc: Any = gateway.channel.unary_unary(BALANCE)
        parent = ("traceparent", f"00-{'4b' * 16}-{'0f' * 8}-01")
        await rpc(b"", timeout=2.0, metadata=(parent,))
    assert traces == ["4b" * 16]


async def test_a_reader_that_takes_nothing_is_ended_and_told_why(metered: Metered) -> None:
    closed = asyncio.Event()

    async def events(_: Any, __: Call) -> AsyncGenerator[Message, None]:
        try:
            while True:
                yield api.StreamTickerResponse(ticker=ticker_pb2.Ticker(instrument="x" * 100_000))
        finally:
            closed.set()

    async with running(Calls(events=events), stall_s=0.1) as gateway:
        unread = gateway.stream()
        await asyncio.wait_for(closed.wait(), 3)
        assert metered.told("stream.readers_stalled") == {"StreamTicker": 1}
        # What is on its way still comes, and then the reason.
        count = 0

        async def read_all() -> None:
            nonlocal count
            while await unread.read() is not grpc.aio.EOF:
                count += 1

        code, message, reason = await failure(read_all())
    assert (code.name, reason) == ("RESOURCE_EXHAUSTED", "READER_STALLED")
    assert message == "nothing of the stream was read for 100 ms"
    assert 0 < count < 200


async def test_a_reader_that_takes_nothing_and_leaves_is_no_error_of_ours(
    caplog: pytest.LogCaptureFixture,
) -> None:
    closed = asyncio.Event()

    async def events(_: Any, __: Call) -> AsyncGenerator[Message, None]:
        try:
            while True:
                yield api.StreamTickerResponse(ticker=ticker_pb2.Ticker(instrument="x" * 100_000))
        finally:
            closed.set()

    async with running(Calls(events=events), stall_s=0.1) as gateway:
        unread = gateway.stream()
        await asyncio.wait_for(closed.wait(), 3)
        # Its end lies behind what it did not read, and never gets to it.
        unread.cancel()
        await asyncio.sleep(0.2)
        with pytest.raises(grpc.aio.AioRpcError):
            await gateway.call(BALANCE, b"\xff\xff\xff")
    assert not [each for each in caplog.records if each.levelname == "ERROR"]


async def test_a_cancel_of_something_else_ends_the_call_at_once() -> None:
    async def answer(_: Any, __: Call) -> Message:
        raise asyncio.CancelledError

    async with running(Calls(answer)) as gateway:
        started_s = time.monotonic()
        code, _, _ = await failure(gateway.call(BALANCE, timeout_s=5.0))
    assert code is grpc.StatusCode.INTERNAL
    assert time.monotonic() - started_s < 2


async def test_calls_beyond_the_limit_are_refused_and_the_place_is_given_back() -> None:
    release = asyncio.Event()

    async def answer(_: Any, __: Call) -> Message:
        await release.wait()
        return api.GetBalanceResponse()

    calls = Calls(answer)
    async with running(calls, calls_max=2) as gateway:
        held = [asyncio.ensure_future(gateway.call(BALANCE)) for _ in range(2)]
        while len(calls.came) < 2:  # noqa: ASYNC110  # until the server has both
            await asyncio.sleep(0.001)
        code, _, reason = await failure(gateway.call(BALANCE))
        assert (code.name, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        release.set()
        await asyncio.gather(*held)
        await gateway.call(BALANCE)


async def test_a_cancel_passes_a_flood_of_orders_on_its_own_connection() -> None:
    release = asyncio.Event()

    async def answer(_: Any, call: Call) -> Message:
        if call.method == "PlaceOrder":
            await release.wait()
        return api.CancelOrderResponse()

    calls = Calls(answer)
    async with running(calls, calls_max=50) as gateway:
        flood = [asyncio.ensure_future(gateway.call(PLACE, timeout_s=10)) for _ in range(200)]
        while len(calls.came) < 45:  # noqa: ASYNC110  # until the server has taken what it takes
            await asyncio.sleep(0.001)
        await gateway.call(f"/{SERVICE}/CancelOrder")
        release.set()
        answers = await asyncio.gather(*flood, return_exceptions=True)
    refused = [told_by(each) for each in answers if isinstance(each, grpc.aio.AioRpcError)]
    assert len(refused) == 155
    assert {(code.name, reason) for code, _, reason in refused} == {
        ("RESOURCE_EXHAUSTED", "OVERLOADED")
    }


async def test_a_caller_who_goes_gives_the_place_back() -> None:
    calls = Calls(lambda _, __: asyncio.sleep(30, api.GetBalanceResponse()))
    async with running(calls, calls_max=1) as gateway:
        for count in range(3):
            going = asyncio.ensure_future(gateway.call(BALANCE, timeout_s=10))
            while len(calls.came) <= count:  # noqa: ASYNC110  # until the server has it
                await asyncio.sleep(0.001)
            going.cancel()
            await asyncio.gather(going, return_exceptions=True)
            await asyncio.sleep(0.05)


async def test_a_stream_gives_events_until_its_caller_leaves() -> None:
    closed = asyncio.Event()

    async def events(_: Any, __: Call) -> AsyncGenerator[Message, None]:
        try:
            async for event in heartbeats(_, __):
                yield event
        finally:
            closed.set()

    async with running(Calls(events=events)) as gateway:
        stream = gateway.stream()
        for _ in range(3):
            assert await stream.read() == b""
        stream.cancel()
        await asyncio.wait_for(closed.wait(), 2)


async def test_a_stream_that_fails_tells_why() -> None:
    async def events(_: Any, __: Call) -> AsyncGenerator[Message, None]:
        yield api.StreamTickerResponse()
        raise errors.OverloadedError("ticker streams", 1)

    async with running(Calls(events=events)) as gateway:
        stream = gateway.stream()
        assert await stream.read() == b""
        code, _, reason = await failure(stream.read())
    assert (code.name, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")


async def test_streams_beyond_the_limit_are_refused() -> None:
    async with running(Calls(), streams_max=1) as gateway:
        first = gateway.stream()
        await first.read()
        code, _, reason = await failure(gateway.stream().read())
        assert (code.name, reason) == ("RESOURCE_EXHAUSTED", "OVERLOADED")
        first.cancel()


async def test_a_stream_ends_with_its_deadline() -> None:
    async with running(Calls()) as gateway:
        stream = gateway.stream(timeout_s=0.2)
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            async for _ in stream:
                pass
    assert failed.value.code() is grpc.StatusCode.DEADLINE_EXCEEDED


async def test_stopping_ends_streams_with_unavailable_and_lets_calls_finish() -> None:
    calls = Calls(lambda _, __: asyncio.sleep(0.2, api.GetBalanceResponse()))
    async with running(calls) as gateway:
        stream = gateway.stream()
        await stream.read()
        finishing = asyncio.ensure_future(gateway.call(BALANCE))
        while len(calls.came) < 2:  # noqa: ASYNC110  # until the server has both
            await asyncio.sleep(0.001)
        gateway.admission.close()
        stopping = asyncio.ensure_future(gateway.server.stop(5))

        async def read_to_the_end() -> None:
            while await stream.read() is not grpc.aio.EOF:
                pass

        code, _, reason = await failure(read_to_the_end())
        assert (code.name, reason) == ("UNAVAILABLE", "STOPPING")
        assert await finishing == b""
        await stopping


async def test_while_stopping_what_is_new_is_refused() -> None:
    async with running(Calls()) as gateway:
        gateway.admission.close()
        code, _, reason = await failure(gateway.call(BALANCE))
    assert (code.name, reason) == ("UNAVAILABLE", "STOPPING")


async def test_health_tells_whether_calls_are_wanted() -> None:
    async with running(Calls()) as gateway:
        health = health_pb2_grpc.HealthStub(gateway.channel)

        async def states() -> list[str]:
            found = []
            for name in ("liveness", "", SERVICE):
                request = health_pb2.HealthCheckRequest(service=name)
                answer = await health.Check(request)
                found.append(health_pb2.HealthCheckResponse.ServingStatus.Name(answer.status))
            return found

        assert await states() == ["SERVING", "NOT_SERVING", "NOT_SERVING"]
        gateway.server.tell_ready(ready=True)
        assert await states() == ["SERVING"] * 3
        gateway.server.tell_ready(ready=False)
        assert await states() == ["SERVING", "NOT_SERVING", "NOT_SERVING"]


async def listed(gateway: Running) -> list[str]:
    stub = reflection_pb2_grpc.ServerReflectionStub(gateway.channel)
    request = reflection_pb2.ServerReflectionRequest(list_services="")
    answers: Any = stub.ServerReflectionInfo(iter([request]))
    return [
        service.name
        async for answer in answers
        for service in answer.list_services_response.service
    ]


async def test_reflection_lists_the_service_where_it_is_wanted() -> None:
    async with running(Calls(), reflect=True) as gateway:
        assert SERVICE in await listed(gateway)
    async with running(Calls(), reflect=False) as gateway:
        with pytest.raises(grpc.aio.AioRpcError) as failed:
            await listed(gateway)
    assert failed.value.code() is grpc.StatusCode.UNIMPLEMENTED


async def test_an_address_that_is_taken_is_an_error_and_leaves_no_server_behind(
    caplog: pytest.LogCaptureFixture,
) -> None:
    async with running(Calls()) as gateway:
        first, second = (
            GrpcServer(
                Calls(),
                listen=ListenAddress("127.0.0.1", 0),
                admission=gateway.admission,
                reflect=False,
                max_deadline_s=1,
                stall_s=1,
                identify=believed_name,
                tls=None,
            )
            for _ in range(2)
        )
        second._listen = await first.start()
        with pytest.raises(OSError, match="cannot listen at"):
            await second.start()
        await first.stop(0)
    gc.collect()
    # gRPC logs a server that is freed without having been stopped, and crashes over the record.
    assert "__dealloc__" not in caplog.text
