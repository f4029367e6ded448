import math

import grpc
import pytest
from google.protobuf.message import Message
from google.rpc import code_pb2, error_details_pb2

from okx_gateway.api.v1 import error_reason_pb2
from okx_gateway.domain import errors
from okx_gateway.domain.access_errors import (
    OrderLimitExceededError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from okx_gateway.domain.errors import GatewayError, InvalidRequestError, OwnError, Violation
from okx_gateway.edge.status import RpcStatus, status_of
from tests.fakes.errors import EVERY_ERROR, leaves_of

# As the comments of google/rpc/code.proto map them.
HTTP = {
    "INVALID_ARGUMENT": 400,
    "FAILED_PRECONDITION": 400,
    "UNAUTHENTICATED": 401,
    "PERMISSION_DENIED": 403,
    "NOT_FOUND": 404,
    "ALREADY_EXISTS": 409,
    "ABORTED": 409,
    "RESOURCE_EXHAUSTED": 429,
    "UNKNOWN": 500,
    "INTERNAL": 500,
    "UNAVAILABLE": 503,
    "DEADLINE_EXCEEDED": 504,
}

# What callers may decide by; changing one breaks them.
CODES: dict[type[GatewayError], str] = {
    errors.InvalidRequestError: "INVALID_ARGUMENT",
    errors.AccountUnknownError: "NOT_FOUND",
    errors.ClientOrderIdTakenError: "ALREADY_EXISTS",
    errors.DeadlineTooShortError: "DEADLINE_EXCEEDED",
    UnauthenticatedError: "UNAUTHENTICATED",
    OrderLimitExceededError: "FAILED_PRECONDITION",
    PermissionDeniedError: "PERMISSION_DENIED",
    errors.OrderNotFoundError: "NOT_FOUND",
    errors.OrderRefusedError: "FAILED_PRECONDITION",
    errors.OrderNotPlacedError: "ABORTED",
    errors.OrderOutcomeUnknownError: "UNKNOWN",
    errors.OrderConflictError: "INTERNAL",
    errors.OrderInDoubtError: "FAILED_PRECONDITION",
    errors.CancelOutcomeUnknownError: "UNKNOWN",
    errors.AmendOutcomeUnknownError: "UNKNOWN",
    errors.AmendNotTakenError: "ABORTED",
    errors.AmendInFlightError: "ABORTED",
    errors.ExchangeRefusedError: "FAILED_PRECONDITION",
    errors.ExchangeThrottledError: "RESOURCE_EXHAUSTED",
    errors.ExchangeUnavailableError: "UNAVAILABLE",
    errors.BudgetExhaustedError: "RESOURCE_EXHAUSTED",
    errors.CredentialUnusableError: "FAILED_PRECONDITION",
    errors.LedgerUnavailableError: "UNAVAILABLE",
    errors.LedgerRecoveringError: "UNAVAILABLE",
    errors.ClockUncertainError: "UNAVAILABLE",
    errors.OverloadedError: "RESOURCE_EXHAUSTED",
    errors.ReaderTooSlowError: "RESOURCE_EXHAUSTED",
    errors.ReaderStalledError: "RESOURCE_EXHAUSTED",
    errors.StoppingError: "UNAVAILABLE",
}

each_error = pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda each: type(each).__name__)


def details_of(status: RpcStatus) -> dict[str, Message]:
    """The unpacked details by the name of their type."""
    found: dict[str, Message] = {}
    for packed in status.proto.details:
        kind = getattr(error_details_pb2, packed.type_url.rpartition(".")[2])
        detail = kind()
        assert packed.Unpack(detail)
        found[kind.DESCRIPTOR.name] = detail
    return found


def info_of(status: RpcStatus) -> error_details_pb2.ErrorInfo:
    info = details_of(status)["ErrorInfo"]
    assert isinstance(info, error_details_pb2.ErrorInfo)
    return info


@each_error
def test_every_error_has_a_status_and_a_reason(error: GatewayError) -> None:
    status = status_of(error)
    assert status.proto.code == code_pb2.Code.Value(status.grpc_code.name)
    assert status.http_status == HTTP[status.grpc_code.name]
    assert status.proto.message == error.message
    info = info_of(status)
    assert info.reason == status.reason
    assert info.reason in error_reason_pb2.ErrorReason.keys()  # noqa: SIM118  # no mapping
    assert info.domain == "okx-gateway.v1"
    assert dict(info.metadata) == error.metadata


def test_no_two_errors_share_a_reason_and_none_is_left_over() -> None:
    assert {type(each) for each in EVERY_ERROR} == leaves_of(GatewayError)
    reasons = [status_of(each).reason for each in EVERY_ERROR]
    assert len(set(reasons)) == len(reasons)
    unused = set(error_reason_pb2.ErrorReason.keys()) - set(reasons)
    assert unused == {"ERROR_REASON_UNSPECIFIED", "ERROR_REASON_INTERNAL"}


def test_unavailable_is_only_told_where_nothing_was_sent() -> None:
    # Clients and meshes send a call again by themselves on UNAVAILABLE (AIP-194).
    told = {type(each) for each in EVERY_ERROR if status_of(each).grpc_code.name == "UNAVAILABLE"}
    assert told == {
        errors.ExchangeUnavailableError,
        errors.LedgerUnavailableError,
        errors.LedgerRecoveringError,
        errors.ClockUncertainError,
        errors.StoppingError,
    }
    assert all(
        issubclass(each, OwnError) or "nothing was sent" in (each.__doc__ or "") for each in told
    )


@each_error
def test_every_error_has_the_code_that_the_api_promises(error: GatewayError) -> None:
    assert status_of(error).grpc_code.name == CODES[type(error)]


@pytest.mark.parametrize(
    "error",
    [
        errors.OrderOutcomeUnknownError("a1"),
        errors.CancelOutcomeUnknownError("a1"),
        errors.AmendOutcomeUnknownError("a1", resolve_time=""),
    ],
)
def test_doubt_is_unknown(error: GatewayError) -> None:
    assert status_of(error).grpc_code is grpc.StatusCode.UNKNOWN


@each_error
def test_only_an_error_that_knows_when_says_when_to_try_again(error: GatewayError) -> None:
    status = status_of(error)
    retry_after_ms = getattr(error, "retry_after_ms", None)
    assert status.retry_after_ms == retry_after_ms
    retry = details_of(status).get("RetryInfo")
    if retry_after_ms is None:
        assert retry is None
        assert status.retry_after_s is None
    else:
        assert isinstance(retry, error_details_pb2.RetryInfo)
        assert retry.retry_delay.ToMilliseconds() == retry_after_ms
        assert status.retry_after_s == math.ceil(retry_after_ms / 1000)


def test_every_violation_is_told_up_to_a_bound() -> None:
    violations = [Violation(f"f{number}", "must be right", "wrong") for number in range(80)]
    detail = details_of(status_of(InvalidRequestError(violations)))["BadRequest"]
    assert isinstance(detail, error_details_pb2.BadRequest)
    told = [(each.field, each.description) for each in detail.field_violations]
    assert told == [(f"f{number}", "must be right, not 'wrong'") for number in range(50)]


def test_a_full_window_is_named() -> None:
    detail = details_of(status_of(errors.BudgetExhaustedError("get_balance", 5)))["QuotaFailure"]
    assert isinstance(detail, error_details_pb2.QuotaFailure)
    assert [each.subject for each in detail.violations] == ["get_balance"]


def test_metadata_is_cut_to_a_bound() -> None:
    status = status_of(errors.ExchangeUnavailableError("x" * 10_000))
    assert len(info_of(status).metadata["cause"]) == 512


@pytest.mark.parametrize("error", [ValueError("a secret"), KeyError("a secret")])
def test_a_defect_says_nothing_of_itself(error: Exception) -> None:
    status = status_of(error)
    assert (status.grpc_code, status.http_status) == (grpc.StatusCode.INTERNAL, 500)
    assert status.reason == "ERROR_REASON_INTERNAL"
    assert b"secret" not in status.proto.SerializeToString()
