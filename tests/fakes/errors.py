"""One error of every kind that a caller can meet."""

from okx_gateway.domain import errors
from okx_gateway.domain.access_errors import (
    OrderLimitExceededError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from okx_gateway.domain.errors import GatewayError, Violation

EVERY_ERROR: tuple[GatewayError, ...] = (
    errors.InvalidRequestError([Violation("limit.price", "must be a multiple", "0.15")]),
    errors.AccountUnknownError("main"),
    errors.ClientOrderIdTakenError("a1", "quantity"),
    errors.DeadlineTooShortError(5, 100),
    UnauthenticatedError(),
    OrderLimitExceededError("largest", asked="60000 USDT", allowed="50000 USDT"),
    PermissionDeniedError(),
    errors.OrderNotFoundError(client_order_id="a1"),
    errors.OrderRefusedError("a1", okx_code="51008", okx_message="too little", replayed=False),
    errors.OrderNotPlacedError("a1", replayed=True),
    errors.OrderOutcomeUnknownError("a1", resolve_time="2026-01-01T00:00:00.000Z"),
    errors.OrderConflictError("a1", first_difference="side"),
    errors.OrderInDoubtError("a1", resolve_time="2026-01-01T00:00:00.000Z"),
    errors.CancelOutcomeUnknownError("a1"),
    errors.AmendOutcomeUnknownError("a1", resolve_time="2026-01-01T00:00:00.000Z"),
    errors.AmendNotTakenError("a1"),
    errors.AmendInFlightError("a1", 740),
    errors.ExchangeRefusedError(okx_code="51001", okx_message="no such instrument"),
    errors.ExchangeThrottledError(okx_code="50011", okx_message="slower", retry_after_ms=2_000),
    errors.ExchangeUnavailableError("HTTP 503"),
    errors.BudgetExhaustedError("place_order:BTC-USDT", 1_200),
    errors.CredentialUnusableError("main", "it may withdraw"),
    errors.LedgerUnavailableError("TimeoutError"),
    errors.LedgerRecoveringError(8_300),
    errors.ClockUncertainError(900),
    errors.OverloadedError("calls", 1_000),
    errors.ReaderTooSlowError(7_612, 7_500),
    errors.ReaderStalledError(10_000),
    errors.StoppingError(),
)


def leaves_of(kind: type[GatewayError]) -> set[type[GatewayError]]:
    """The kinds of error below `kind` that are raised, not only caught."""
    below = kind.__subclasses__()
    return set.union(*(leaves_of(each) for each in below)) if below else {kind}
