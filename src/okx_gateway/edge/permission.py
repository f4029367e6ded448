"""May this call be made?  Stands before the calls of a service, for gRPC and REST alike.

Whoever may not is told so and no more: an account that there is not is answered as one that is
another's. A call goes on with the account that it was permitted for, not with what it asked for.
"""

from collections.abc import AsyncGenerator, Callable, Mapping
from contextlib import aclosing
from dataclasses import replace
from functools import partial

import structlog
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor
from google.protobuf.message import Message

from okx_gateway import metric
from okx_gateway.access.policy import Denied, Policy, decide
from okx_gateway.domain.access_errors import PermissionDeniedError
from okx_gateway.edge.call import Call, RpcCalls, StreamCall, StreamEvent, UnaryCall

_LOG = structlog.get_logger()
# Calls that change what an order risks have to name its instrument; to cancel and to read orders,
# the order's id is enough.
_NAMES_INSTRUMENT = frozenset({"PlaceOrder", "AmendOrder"})


def calls_of(service: ServiceDescriptor) -> tuple[frozenset[str], frozenset[str]]:
    """The names of a service's calls that are about an account, and of those that are not."""
    on_account = frozenset(each.name for each in service.methods if _is_on_account(each))
    return on_account, frozenset(each.name for each in service.methods) - on_account


class PermittedCalls:
    """`calls` as far as `policy` permits each; all of them where it gives None."""

    def __init__(self, calls: RpcCalls, policy: Callable[[], Policy | None]) -> None:
        self.descriptor = calls.descriptor
        self._policy = policy
        self._on_account, _ = calls_of(calls.descriptor)
        self.unary: Mapping[str, UnaryCall] = {
            name: partial(self._answer, answer) for name, answer in calls.unary.items()
        }
        self.stream: Mapping[str, StreamCall] = {
            name: partial(self._tell, answer) for name, answer in calls.stream.items()
        }

    async def _answer(self, answer: UnaryCall, request: Message, call: Call) -> Message:
        return await answer(request, self._permitted(request, call, self._policy()))

    async def _tell(
        self, answer: StreamCall, request: Message, call: Call
    ) -> AsyncGenerator[StreamEvent, None]:
        policy = self._policy()
        permitted = self._permitted(request, call, policy)
        async with aclosing(answer(request, permitted)) as events:
            async for event in events:
                if policy is not self._policy():
                    policy = self._policy()
                    self._permitted(request, call, policy)
                yield event

    def _permitted(self, request: Message, call: Call, policy: Policy | None) -> Call:
        """The call with what it may touch.

        Raises:
            PermissionDeniedError: It may not be made.
        """
        account: str | None = None
        if call.method in self._on_account:
            account = getattr(request, "account")  # noqa: B009  # of every such message
        if policy is None:
            return call if account is None else replace(call, account=account)
        decision = decide(policy, call.caller, call.method, account, _instruments(request, call))
        if isinstance(decision, Denied):
            _note(call, account, policy, decision)
            if policy.enforced:
                raise PermissionDeniedError
            return call if account is None else replace(call, account=account)
        return call if account is None else replace(call, account=account, limits=decision.limits)


def _is_on_account(method: MethodDescriptor) -> bool:
    return "account" in method.input_type.fields_by_name


def _instruments(request: Message, call: Call) -> tuple[str, ...]:
    """The instruments that the request names."""
    name = getattr(request, "instrument", None)
    if name is None:
        return ()
    return (name,) if name or call.method in _NAMES_INSTRUMENT else ()


def _note(call: Call, account: str | None, policy: Policy, denied: Denied) -> None:
    metric.denied(call.method, enforced=policy.enforced)
    _LOG.warning(
        "denied" if policy.enforced else "would be denied",
        caller=call.caller,
        call=call.method,
        account=(account or "")[:32],
        cause=denied.cause,
        policy=policy.revision,
    )
