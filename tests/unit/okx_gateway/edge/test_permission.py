"""What stands before every call, over calls that are made up."""

from collections.abc import AsyncGenerator
from typing import Any

import pytest
from google.protobuf.message import Message

from okx_gateway.access.policy import CallerRights, Grant, OrderLimits, Policy
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.access_errors import PermissionDeniedError
from okx_gateway.edge.call import Call
from okx_gateway.edge.permission import PermittedCalls, calls_of
from tests.fakes.grpc_calls import Calls
from tests.fakes.metering import Metered

LIMITS = OrderLimits(market_orders=False)


def a_policy(*calls: str, enforced: bool = True, market: tuple[str, ...] = ()) -> Policy:
    grant = Grant(frozenset(calls), frozenset({"BTC-USDT"}), LIMITS)
    rights = CallerRights(frozenset(market), {"main": grant})
    return Policy("r1", {"desk": rights}, enforced)


class Guarded:
    """Calls under a policy that can be changed."""

    def __init__(self, policy: Policy | None) -> None:
        self.policy = policy
        self.calls = Calls(events=events)
        self.permitted = PermittedCalls(self.calls, lambda: self.policy)

    async def call(self, request: Message, caller: str = "desk") -> Call:
        name = type(request).__name__.removesuffix("Request")
        await self.permitted.unary[name](request, Call(name, caller, None))
        return self.calls.came[-1][1]


async def events(_: Any, __: Call) -> AsyncGenerator[Message, None]:
    while True:
        yield api.StreamOrdersResponse()


def test_every_call_is_about_an_account_or_about_the_market() -> None:
    on_account, on_market = calls_of(Calls.descriptor)
    assert {"PlaceOrder", "GetBalance", "StreamOrders"} <= on_account
    assert {"GetTicker", "ListInstruments", "StreamTrades"} <= on_market
    assert on_account | on_market == {each.name for each in Calls.descriptor.methods}


def test_every_call_of_the_service_is_guarded() -> None:
    permitted = Guarded(None).permitted
    assert {*permitted.unary, *permitted.stream} == {each.name for each in Calls.descriptor.methods}


async def test_a_call_goes_on_with_the_account_and_the_limits_of_its_grant() -> None:
    guarded = Guarded(a_policy("PlaceOrder"))
    call = await guarded.call(api.PlaceOrderRequest(account="main", instrument="BTC-USDT"))
    assert (call.account, call.limits) == ("main", LIMITS)


async def test_without_a_policy_everything_is_allowed() -> None:
    call = await Guarded(None).call(api.GetBalanceRequest(account="other"), "anybody")
    assert (call.account, call.limits) == ("other", None)


@pytest.mark.parametrize(
    "request_message",
    [
        api.PlaceOrderRequest(account="main", instrument="ETH-USDT"),
        api.PlaceOrderRequest(account="main"),
        api.PlaceOrderRequest(account="other", instrument="BTC-USDT"),
        api.PlaceOrderRequest(instrument="BTC-USDT"),
        api.AmendOrderRequest(account="main", client_order_id="a1"),
        api.CancelOrderRequest(account="main", instrument="ETH-USDT"),
        api.GetBalanceRequest(account="main"),
        api.GetTickerRequest(instrument="BTC-USDT"),
    ],
)
async def test_what_is_not_allowed_reaches_no_use_case(
    request_message: Message, metered: Metered
) -> None:
    guarded = Guarded(a_policy("PlaceOrder", "CancelOrder", "AmendOrder"))
    with pytest.raises(PermissionDeniedError) as denied:
        await guarded.call(request_message)
    assert denied.value.message == "this caller may not make this call"
    assert denied.value.metadata == {}
    assert guarded.calls.came == []
    [count] = metered.told("policy.denied").values()
    assert count == 1


async def test_an_order_is_cancelled_by_its_id_alone() -> None:
    guarded = Guarded(a_policy("CancelOrder"))
    call = await guarded.call(api.CancelOrderRequest(account="main", client_order_id="a1"))
    assert call.account == "main"


async def test_a_dry_run_lets_through_what_it_denies_and_counts_it(metered: Metered) -> None:
    guarded = Guarded(a_policy(enforced=False))
    call = await guarded.call(api.GetBalanceRequest(account="other"))
    assert (call.account, call.limits) == ("other", None)
    [count] = metered.told("policy.denied").values()
    assert count == 1


async def test_a_stream_ends_when_its_right_is_taken_away() -> None:
    guarded = Guarded(a_policy("StreamOrders"))
    stream = guarded.permitted.stream["StreamOrders"](
        api.StreamOrdersRequest(account="main"), Call("StreamOrders", "desk", None)
    )
    await anext(stream)
    guarded.policy = a_policy("StreamOrders", market=("GetTicker",))
    await anext(stream)
    guarded.policy = a_policy("GetOrder")
    with pytest.raises(PermissionDeniedError):
        await anext(stream)


async def test_a_stream_that_is_not_allowed_never_begins() -> None:
    guarded = Guarded(a_policy("PlaceOrder"))
    stream = guarded.permitted.stream["StreamOrders"](
        api.StreamOrdersRequest(account="main"), Call("StreamOrders", "desk", None)
    )
    with pytest.raises(PermissionDeniedError):
        await anext(stream)
    assert guarded.calls.came == []
