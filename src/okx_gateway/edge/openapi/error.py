"""How does the OpenAPI document tell of errors?  Pure.

The examples are real: each is an error of the gateway, told by the function that tells all of
them, so its HTTP code and its details are those that callers get.
"""

from google.protobuf import json_format

from okx_gateway.api.v1 import error_reason_pb2
from okx_gateway.domain import errors
from okx_gateway.domain.access_errors import (
    OrderLimitExceededError,
    PermissionDeniedError,
    UnauthenticatedError,
)
from okx_gateway.edge.openapi.rule import Schema
from okx_gateway.edge.openapi.schema import SchemaBook, values_in_words
from okx_gateway.edge.status import ERROR_DOMAIN, RpcStatus, status_of

JSON = "application/json"
_TYPES = "type.googleapis.com/google.rpc."
_REASON = "ERROR_REASON_"
_ACCOUNT_STREAMS = frozenset({"StreamOrders", "StreamBalance"})
_MARKET_STREAMS = frozenset({"StreamTicker", "StreamOrderBook", "StreamTrades", "StreamCandles"})
_STREAMS = _ACCOUNT_STREAMS | _MARKET_STREAMS
_ON_ACCOUNT = frozenset({"PlaceOrder", "CancelOrder", "AmendOrder", "GetOrder", "GetBalance"})
_READING_MARKET = frozenset({"GetTicker", "ListTickers", "GetOrderBook"})
_ASKING_OKX = _ON_ACCOUNT | _READING_MARKET
_ALL = _ASKING_OKX | _STREAMS | {"ListInstruments"}
_PLACING = frozenset({"PlaceOrder"})
_CANCELLING = frozenset({"CancelOrder"})
_AMENDING = frozenset({"AmendOrder"})
_NAMING_ORDER = frozenset({"CancelOrder", "AmendOrder", "GetOrder"})
_RESOLVE_TIME = "2026-11-22T10:00:12.000Z"
_FIELD = "limit.price"
_RULE = "must be a positive plain decimal such as 12.5"

# One of each, and the calls that it can end.
ERRORS: tuple[tuple[BaseException, frozenset[str]], ...] = (
    (errors.InvalidRequestError([errors.Violation(_FIELD, _RULE, "1e3")]), _ALL),
    (
        errors.OrderRefusedError(
            "a1", okx_code="51008", okx_message="Insufficient balance", replayed=False
        ),
        _PLACING,
    ),
    (
        errors.ExchangeRefusedError(okx_code="51001", okx_message="Instrument ID does not exist"),
        _ASKING_OKX,
    ),
    (
        errors.CredentialUnusableError("main", "the key may withdraw"),
        _ON_ACCOUNT | _ACCOUNT_STREAMS,
    ),
    (errors.AccountUnknownError("main"), _ON_ACCOUNT | _ACCOUNT_STREAMS),
    (UnauthenticatedError(), _ALL),
    (PermissionDeniedError(), _ALL),
    (
        OrderLimitExceededError("largest", asked="60000 USDT", allowed="50000 USDT"),
        _PLACING | _AMENDING,
    ),
    (errors.OrderNotFoundError(client_order_id="a1"), _NAMING_ORDER),
    (errors.ClientOrderIdTakenError("a1", "quantity"), _PLACING),
    (errors.OrderNotPlacedError("a1", replayed=True), _PLACING),
    (errors.BudgetExhaustedError("place:BTC-USDT", 740), _ASKING_OKX),
    (
        errors.ExchangeThrottledError(
            okx_code="50011", okx_message="Too Many Requests", retry_after_ms=2000
        ),
        _ASKING_OKX,
    ),
    (errors.OverloadedError("calls", 2000), _ALL),
    (errors.ReaderTooSlowError(7_612, 7_500), frozenset({"StreamOrders"})),
    (errors.ReaderStalledError(10_000), _STREAMS),
    (errors.OrderOutcomeUnknownError("a1", resolve_time=_RESOLVE_TIME), _PLACING),
    (errors.CancelOutcomeUnknownError("a1"), _CANCELLING),
    (errors.AmendOutcomeUnknownError("a1", resolve_time=_RESOLVE_TIME), _AMENDING),
    (errors.AmendNotTakenError("a1"), _AMENDING),
    (errors.AmendInFlightError("a1", 740), _AMENDING),
    (errors.OrderInDoubtError("a1", resolve_time=_RESOLVE_TIME), _AMENDING),
    (errors.OrderConflictError("a1", first_difference="price"), _PLACING | _AMENDING),
    (RuntimeError(), _ALL),
    (errors.ExchangeUnavailableError("connection refused"), _ALL),
    (errors.LedgerUnavailableError("timeout"), _ASKING_OKX),
    (errors.LedgerRecoveringError(8_300), _NAMING_ORDER | _PLACING),
    (errors.ClockUncertainError(812), _ON_ACCOUNT),
    (errors.StoppingError(), _ALL),
    (errors.DeadlineTooShortError(3, 100), _ASKING_OKX),
)
_MEANINGS = {
    400: "The request breaks a rule, or OKX refused it.",
    401: "No valid token or certificate was shown, and the gateway is set to want one.",
    403: "The policy does not let this caller do that.",
    404: "There is no such account or order, or no such path.",
    409: "The order cannot be placed under this id, or was not amended.",
    429: "No room: in the rate-limit budget, at OKX, or in the gateway.",
    431: "Request line and headers are too long.",
    500: "The outcome is not known, or the gateway failed.",
    503: "Nothing was done, as OKX, Redis or the gateway is not available.",
    504: "The deadline is too short; nothing was done.",
}


def error_responses(rpc: str, book: SchemaBook, headers: Schema) -> dict[str, Schema]:
    """Responses by HTTP code of the ways in which a call of `rpc` can fail."""
    told = [status_of(error) for error, rpcs in ERRORS if rpc in rpcs]
    schema = status_schema(book)
    codes = sorted({404, 431, *(status.http_status for status in told)})
    responses = {}
    for code in codes:
        so_told = [status for status in told if status.http_status == code]
        examples = {
            status.reason: {"value": json_format.MessageToDict(status.proto)} for status in so_told
        }
        waits = any(status.retry_after_ms is not None for status in so_told)
        responses[str(code)] = {
            "description": _description(code, so_told),
            "headers": {**headers, **(_RETRY_AFTER if waits else {})},
            "content": {JSON: {"schema": schema, **({"examples": examples} if examples else {})}},
        }
    return responses


def status_schema(book: SchemaBook) -> Schema:
    """Schema of google.rpc.Status as JSON, kept with all that it refers to."""
    detail = {"anyOf": [book.reference(name, schema) for name, schema in _details().items()]}
    return book.reference(
        "Status",
        {
            "type": "object",
            "description": "An error: google.rpc.Status in the JSON mapping of protobuf. Tell "
            "errors apart by the `reason` of ErrorInfo, which is missing only where the path, "
            "the method or the HTTP itself was wrong.",
            "required": ["code", "message"],
            "properties": {
                "code": {
                    "type": "integer",
                    "minimum": 1,
                    "maximum": 16,
                    "description": "gRPC status code.",
                },
                "message": {"type": "string", "description": "What went wrong, in words."},
                "details": {"type": "array", "items": detail},
            },
        },
    )


def _description(code: int, told: list[RpcStatus]) -> str:
    reasons = [f"`{status.reason.removeprefix(_REASON)}`" for status in told]
    return _MEANINGS[code] + (f" Reasons: {', '.join(reasons)}." if reasons else "")


def _details() -> dict[str, Schema]:
    text: Schema = {"type": "string"}
    reasons = error_reason_pb2.ErrorReason.DESCRIPTOR
    sent = [value.name for value in reasons.values if value.number]
    violation = {"type": "object", "required": ["description"]}
    return {
        "ErrorInfo": _detail(
            "ErrorInfo",
            "Why the call failed.",
            reason={"enum": sent, "description": values_in_words(reasons, sent)},
            domain={"const": ERROR_DOMAIN},
            metadata={
                "type": "object",
                "additionalProperties": text,
                "description": "What is dynamic in the message, by name; absent where nothing is.",
            },
        ),
        "BadRequest": _detail(
            "BadRequest",
            "Everything that is wrong with the request.",
            fieldViolations={
                "type": "array",
                "items": violation | {"properties": {"field": text, "description": text}},
            },
        ),
        "QuotaFailure": _detail(
            "QuotaFailure",
            "Which window of the rate-limit budget is full.",
            violations={
                "type": "array",
                "items": violation | {"properties": {"subject": text, "description": text}},
            },
        ),
        "RetryInfo": _detail(
            "RetryInfo",
            "How long to wait before the next call.",
            retryDelay={"type": "string", "pattern": r"^[0-9]+(\.[0-9]{1,9})?s$"},
        ),
    }


def _detail(name: str, description: str, **properties: Schema) -> Schema:
    return {
        "type": "object",
        "description": description,
        "required": ["@type", *(key for key in properties if key != "metadata")],
        "properties": {"@type": {"const": _TYPES + name}, **properties},
    }


_RETRY_AFTER: Schema = {
    "retry-after": {
        "description": "Whole seconds to wait, where it is known.",
        "schema": {"type": "integer", "minimum": 0},
    }
}
