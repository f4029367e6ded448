"""Which gRPC and HTTP status, and which details, tell a caller of an error?  Pure.

One table, total over the leaves of the tree in domain/errors.py. UNAVAILABLE is only used where
OKX provably lacks the order, because clients retry it by themselves (AIP-194).
"""

import math
from dataclasses import dataclass
from typing import cast

import grpc
from google.protobuf import any_pb2, duration_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2

from okx_gateway.api.v1 import error_reason_pb2
from okx_gateway.domain import errors
from okx_gateway.domain.access_errors import (
    OrderLimitExceededError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from okx_gateway.domain.errors import GatewayError

ERROR_DOMAIN = "okx-gateway.v1"
_METADATA_VALUE_LENGTH_MAX = 512
_VIOLATIONS_MAX = 50

_Code = grpc.StatusCode

_STATUS: dict[type[GatewayError], tuple[str, grpc.StatusCode]] = {
    errors.InvalidRequestError: ("INVALID_REQUEST", _Code.INVALID_ARGUMENT),
    errors.AccountUnknownError: ("ACCOUNT_UNKNOWN", _Code.NOT_FOUND),
    errors.ClientOrderIdTakenError: ("CLIENT_ORDER_ID_TAKEN", _Code.ALREADY_EXISTS),
    errors.DeadlineTooShortError: ("DEADLINE_TOO_SHORT", _Code.DEADLINE_EXCEEDED),
    UnauthenticatedError: ("UNAUTHENTICATED", _Code.UNAUTHENTICATED),
    OrderLimitExceededError: ("ORDER_LIMIT_EXCEEDED", _Code.FAILED_PRECONDITION),
    PermissionDeniedError: ("PERMISSION_DENIED", _Code.PERMISSION_DENIED),
    errors.OrderNotFoundError: ("ORDER_NOT_FOUND", _Code.NOT_FOUND),
    errors.OrderRefusedError: ("ORDER_REFUSED", _Code.FAILED_PRECONDITION),
    errors.OrderNotPlacedError: ("ORDER_NOT_PLACED", _Code.ABORTED),
    errors.OrderOutcomeUnknownError: ("ORDER_OUTCOME_UNKNOWN", _Code.UNKNOWN),
    errors.OrderConflictError: ("ORDER_CONFLICT", _Code.INTERNAL),
    errors.OrderInDoubtError: ("ORDER_IN_DOUBT", _Code.FAILED_PRECONDITION),
    errors.CancelOutcomeUnknownError: ("CANCEL_OUTCOME_UNKNOWN", _Code.UNKNOWN),
    errors.AmendOutcomeUnknownError: ("AMEND_OUTCOME_UNKNOWN", _Code.UNKNOWN),
    errors.AmendNotTakenError: ("AMEND_NOT_TAKEN", _Code.ABORTED),
    errors.ExchangeRefusedError: ("EXCHANGE_REFUSED", _Code.FAILED_PRECONDITION),
    errors.ExchangeThrottledError: ("EXCHANGE_THROTTLED", _Code.RESOURCE_EXHAUSTED),
    errors.ExchangeUnavailableError: ("EXCHANGE_UNAVAILABLE", _Code.UNAVAILABLE),
    errors.AmendInFlightError: ("AMEND_IN_FLIGHT", _Code.ABORTED),
    errors.BudgetExhaustedError: ("BUDGET_EXHAUSTED", _Code.RESOURCE_EXHAUSTED),
    errors.CredentialUnusableError: ("CREDENTIAL_UNUSABLE", _Code.FAILED_PRECONDITION),
    errors.LedgerUnavailableError: ("LEDGER_UNAVAILABLE", _Code.UNAVAILABLE),
    errors.LedgerRecoveringError: ("LEDGER_RECOVERING", _Code.UNAVAILABLE),
    errors.ClockUncertainError: ("CLOCK_UNCERTAIN", _Code.UNAVAILABLE),
    errors.OverloadedError: ("OVERLOADED", _Code.RESOURCE_EXHAUSTED),
    errors.ReaderTooSlowError: ("READER_TOO_SLOW", _Code.RESOURCE_EXHAUSTED),
    errors.ReaderStalledError: ("READER_STALLED", _Code.RESOURCE_EXHAUSTED),
    errors.StoppingError: ("STOPPING", _Code.UNAVAILABLE),
}

# As google/rpc/code.proto maps them.
_HTTP: dict[grpc.StatusCode, int] = {
    _Code.INVALID_ARGUMENT: 400,
    _Code.FAILED_PRECONDITION: 400,
    _Code.UNAUTHENTICATED: 401,
    _Code.PERMISSION_DENIED: 403,
    _Code.NOT_FOUND: 404,
    _Code.ALREADY_EXISTS: 409,
    _Code.ABORTED: 409,
    _Code.RESOURCE_EXHAUSTED: 429,
    _Code.UNKNOWN: 500,
    _Code.INTERNAL: 500,
    _Code.UNAVAILABLE: 503,
    _Code.DEADLINE_EXCEEDED: 504,
}


@dataclass(frozen=True, slots=True)
class RpcStatus:
    """An error as callers see it; `proto` has the packed details."""

    grpc_code: grpc.StatusCode
    http_status: int
    proto: status_pb2.Status
    reason: str
    retry_after_ms: int | None

    @property
    def retry_after_s(self) -> int | None:
        """Whole seconds for HTTP's Retry-After, rounded up; None where there is nothing to say."""
        return None if self.retry_after_ms is None else math.ceil(self.retry_after_ms / 1000)


def status_of(error: BaseException) -> RpcStatus:
    """Tell `error` to a caller; anything but a GatewayError is our defect and says nothing more."""
    reason, code = "INTERNAL", _Code.INTERNAL
    message, metadata = "the gateway failed; its logs of this trace say more", {}
    if isinstance(error, GatewayError):
        reason, code = _STATUS[type(error)]
        message, metadata = error.message, error.metadata
    reason = f"ERROR_REASON_{reason}"
    retry_after_ms = cast("int | None", getattr(error, "retry_after_ms", None))
    details: list[Message] = [
        error_details_pb2.ErrorInfo(
            reason=error_reason_pb2.ErrorReason.Name(error_reason_pb2.ErrorReason.Value(reason)),
            domain=ERROR_DOMAIN,
            metadata={key: value[:_METADATA_VALUE_LENGTH_MAX] for key, value in metadata.items()},
        )
    ]
    if isinstance(error, errors.InvalidRequestError):
        details.append(_bad_request(error))
    if isinstance(error, errors.BudgetExhaustedError):
        details.append(_quota_failure(error))
    if retry_after_ms is not None:
        delay = duration_pb2.Duration()
        delay.FromMilliseconds(retry_after_ms)
        details.append(error_details_pb2.RetryInfo(retry_delay=delay))
    return RpcStatus(
        grpc_code=code,
        http_status=_HTTP[code],
        proto=status_pb2.Status(
            code=code.value[0],
            message=message,
            details=[_packed(detail) for detail in details],
        ),
        reason=reason,
        retry_after_ms=retry_after_ms,
    )


def _bad_request(error: errors.InvalidRequestError) -> error_details_pb2.BadRequest:
    bad_request = error_details_pb2.BadRequest()
    for violation in error.violations[:_VIOLATIONS_MAX]:
        shown = f", not {violation.value!r}" if violation.value else ""
        bad_request.field_violations.add(
            field=violation.field, description=f"{violation.description}{shown}"
        )
    return bad_request


def _quota_failure(error: errors.BudgetExhaustedError) -> error_details_pb2.QuotaFailure:
    quota_failure = error_details_pb2.QuotaFailure()
    quota_failure.violations.add(subject=error.window, description=error.message)
    return quota_failure


def _packed(detail: Message) -> any_pb2.Any:
    packed = any_pb2.Any()
    packed.Pack(detail)
    return packed
