"""How can a call fail, and what is then known?  Pure.

    GatewayError
    ├── CallerError                     the caller can put it right; nothing was sent
    │   ├── InvalidRequestError
    │   ├── AccountUnknownError
    │   ├── ClientOrderIdTakenError
    │   ├── DeadlineTooShortError
    │   ├── OrderNotFoundError
    │   ├── OrderLimitExceededError     these three in domain/access_errors.py
    │   ├── PermissionDeniedError
    │   └── UnauthenticatedError
    ├── ExchangeError                   OKX, or the way to it
    │   ├── OrderRefusedError           OKX does not have the order
    │   ├── OrderNotPlacedError         OKX provably never had the order
    │   ├── OrderOutcomeUnknownError    OKX may or may not have the order
    │   ├── OrderConflictError          OKX has another order under this id
    │   ├── OrderInDoubtError           OKX may or may not have the order; nothing was sent
    │   ├── CancelOutcomeUnknownError   OKX may or may not have taken the cancel
    │   ├── AmendOutcomeUnknownError    OKX may or may not carry the amend out
    │   ├── AmendNotTakenError          OKX provably did not carry the amend out
    │   ├── ExchangeRefusedError        OKX refused a call that places nothing
    │   ├── ExchangeThrottledError      OKX did not carry the request out
    │   └── ExchangeUnavailableError    no usable answer; of an order nothing was sent
    └── OwnError                        the gateway itself; nothing was sent
        ├── AmendInFlightError
        ├── BudgetExhaustedError
        ├── CredentialUnusableError
        ├── LedgerUnavailableError
        ├── LedgerRecoveringError
        ├── ClockUncertainError
        ├── OverloadedError
        ├── ReaderTooSlowError
        ├── ReaderStalledError
        └── StoppingError

An expected outcome is a value; an error only ends a call. Every error carries `metadata`, the
dynamic parts of its message by name, which callers get as google.rpc.ErrorInfo.metadata.
"""

from collections.abc import Sequence
from dataclasses import dataclass


class GatewayError(Exception):
    """Any failure that a caller is told about."""

    def __init__(self, message: str, **metadata: str) -> None:
        super().__init__(message)
        self.message = message
        self.metadata = metadata


class CallerError(GatewayError):
    """The caller can put it right; nothing was sent."""


class ExchangeError(GatewayError):
    """OKX, or the way to it, is why the call failed."""


class OwnError(GatewayError):
    """The gateway itself is why the call failed; nothing was sent."""


@dataclass(frozen=True, slots=True)
class Violation:
    """One thing wrong with a request.

    `field` is the path in the request (`limit.price`), `description` the rule, and `value` what was
    given, cut to a bounded length.
    """

    field: str
    description: str
    value: str = ""


class InvalidRequestError(CallerError):
    """The request breaks the rules in `violations`; nothing was sent."""

    def __init__(self, violations: Sequence[Violation]) -> None:
        first = violations[0]
        more = f" (and {len(violations) - 1} more)" if len(violations) > 1 else ""
        shown = f", not {first.value!r}" if first.value else ""
        super().__init__(f"{first.field} {first.description}{shown}{more}", field=first.field)
        self.violations = tuple(violations)


class AccountUnknownError(CallerError):
    """There is no such account for this caller; nothing was sent."""

    def __init__(self, account: str) -> None:
        super().__init__(f"no account {account!r} for this caller", account=account)


class ClientOrderIdTakenError(CallerError):
    """The id was used before for another order, or by another caller; nothing was sent."""

    def __init__(self, client_order_id: str, first_difference: str = "") -> None:
        what = f": {first_difference} differs" if first_difference else ""
        super().__init__(
            f"client_order_id {client_order_id!r} was used before for another order{what}; "
            "use a new id for a new order",
            clientOrderId=client_order_id,
            firstDifference=first_difference,
        )


class DeadlineTooShortError(CallerError):
    """The deadline leaves less than the call needs; nothing was sent."""

    def __init__(self, remaining_ms: int, required_ms: int) -> None:
        super().__init__(
            f"the deadline leaves {remaining_ms} ms and the call needs {required_ms} ms",
            remainingMs=str(remaining_ms),
            requiredMs=str(required_ms),
        )


class OrderNotFoundError(CallerError):
    """Neither the gateway nor OKX knows the order."""

    def __init__(self, *, client_order_id: str = "", exchange_order_id: str = "") -> None:
        name = client_order_id or exchange_order_id
        key = "clientOrderId" if client_order_id else "exchangeOrderId"
        super().__init__(f"order {name!r} is not known", **{key: name})


class OrderRefusedError(ExchangeError):
    """OKX refused the order and does not have it; final for this id."""

    def __init__(
        self, client_order_id: str, *, okx_code: str, okx_message: str, replayed: bool
    ) -> None:
        super().__init__(
            f"OKX refused order {client_order_id!r}: {okx_code} {okx_message}".rstrip(),
            clientOrderId=client_order_id,
            okxCode=okx_code,
            okxMessage=okx_message,
            replayed=str(replayed).lower(),
        )


class OrderNotPlacedError(ExchangeError):
    """OKX provably never had the order and can no longer get it; final for this id."""

    def __init__(self, client_order_id: str, *, replayed: bool) -> None:
        super().__init__(
            f"order {client_order_id!r} did not reach OKX and no longer can; use a new id to retry",
            clientOrderId=client_order_id,
            replayed=str(replayed).lower(),
        )


class OrderOutcomeUnknownError(ExchangeError):
    """OKX may or may not have the order; asking again with the same id is safe."""

    def __init__(self, client_order_id: str, *, resolve_time: str = "") -> None:
        super().__init__(
            f"OKX may or may not have order {client_order_id!r}; call again with the same id to "
            "learn which, and never place it under another id before",
            clientOrderId=client_order_id,
            resolveTime=resolve_time,
        )


class OrderConflictError(ExchangeError):
    """OKX holds another order under this id; an operator has to look."""

    def __init__(self, client_order_id: str, *, first_difference: str) -> None:
        super().__init__(
            f"OKX holds another order under {client_order_id!r}: {first_difference} differs",
            clientOrderId=client_order_id,
            firstDifference=first_difference,
        )


class OrderInDoubtError(ExchangeError):
    """OKX may or may not have the order that something is asked about; nothing was sent."""

    def __init__(self, client_order_id: str, *, resolve_time: str) -> None:
        super().__init__(
            f"OKX may or may not have order {client_order_id!r}; GetOrder tells",
            clientOrderId=client_order_id,
            resolveTime=resolve_time,
        )


class CancelOutcomeUnknownError(ExchangeError):
    """OKX may or may not have taken the cancel; asking again is safe."""

    def __init__(self, order_id: str) -> None:
        super().__init__(
            f"OKX may or may not have taken the cancel of {order_id!r}; call again",
            orderId=order_id,
        )


class AmendOutcomeUnknownError(ExchangeError):
    """OKX may or may not carry the amend out; looking the order up tells after `resolve_time`."""

    def __init__(self, order_id: str, *, resolve_time: str) -> None:
        super().__init__(
            f"OKX may or may not amend {order_id!r}; GetOrder tells after {resolve_time}",
            orderId=order_id,
            resolveTime=resolve_time,
        )


class AmendNotTakenError(ExchangeError):
    """OKX did not carry the amend out and no longer can; asking again is safe."""

    def __init__(self, order_id: str) -> None:
        super().__init__(f"OKX has not amended {order_id!r} and will not", orderId=order_id)


class ExchangeRefusedError(ExchangeError):
    """OKX refused a call that places nothing."""

    def __init__(self, *, okx_code: str, okx_message: str) -> None:
        super().__init__(
            f"OKX refused: {okx_code} {okx_message}".rstrip(),
            okxCode=okx_code,
            okxMessage=okx_message,
        )


class ExchangeThrottledError(ExchangeError):
    """OKX said that it is called too often; it did not carry the request out."""

    def __init__(self, *, okx_code: str, okx_message: str, retry_after_ms: int) -> None:
        super().__init__(
            f"OKX throttled the call: {okx_code} {okx_message}".rstrip(),
            okxCode=okx_code,
            okxMessage=okx_message,
            retryAfterMs=str(retry_after_ms),
        )
        self.okx_code = okx_code
        self.retry_after_ms = retry_after_ms


class ExchangeUnavailableError(ExchangeError):
    """OKX could not be reached or gave no usable answer; of an order nothing was sent.

    `late` where a request was held up until it was no longer to be sent; another may go at once.
    """

    def __init__(self, cause: str, *, late: bool = False) -> None:
        super().__init__(f"OKX is not available: {cause}", cause=cause)
        self.late = late


class AmendInFlightError(OwnError):
    """Another amend of the order may still change it, mostly for `retry_after_ms` at most."""

    def __init__(self, order_id: str, retry_after_ms: int) -> None:
        super().__init__(
            f"another amend of {order_id!r} is under way; try again in {retry_after_ms} ms",
            orderId=order_id,
            retryAfterMs=str(retry_after_ms),
        )
        self.retry_after_ms = retry_after_ms


class BudgetExhaustedError(OwnError):
    """The shared budget has no room before the deadline; nothing was sent.

    `window` is the name of the window that is full, `retry_after_ms` the wait until it has room.
    """

    def __init__(self, window: str, retry_after_ms: int) -> None:
        super().__init__(
            f"no room in the rate-limit window {window!r} for another {retry_after_ms} ms",
            window=window,
            retryAfterMs=str(retry_after_ms),
        )
        self.window = window
        self.retry_after_ms = retry_after_ms


class CredentialUnusableError(OwnError):
    """OKX does not accept the account's credential, or the gateway does not dare to use it."""

    def __init__(self, account: str, cause: str) -> None:
        super().__init__(
            f"the credential of account {account!r} cannot be used: {cause}",
            account=account,
            cause=cause,
        )


class LedgerUnavailableError(OwnError):
    """Redis did not answer as it should; nothing was sent."""

    def __init__(self, cause: str) -> None:
        super().__init__(f"the ledger in Redis is not available: {cause}", cause=cause)


class LedgerRecoveringError(OwnError):
    """Redis may have lost what was sent, and OKX may not show it yet; nothing was sent."""

    def __init__(self, retry_after_ms: int) -> None:
        super().__init__(
            "the ledger in Redis was restarted, replaced or emptied; no order is placed for "
            f"another {retry_after_ms} ms, until OKX shows every one that may be missing in it",
            retryAfterMs=str(retry_after_ms),
        )
        self.retry_after_ms = retry_after_ms


class ClockUncertainError(OwnError):
    """OKX's time is not known well enough to bound an order; nothing was sent."""

    def __init__(self, error_ms: int) -> None:
        super().__init__(f"OKX's time is only known to within {error_ms} ms", errorMs=str(error_ms))


class OverloadedError(OwnError):
    """The gateway is at its limit; nothing was sent."""

    def __init__(self, what: str, limit: int) -> None:
        super().__init__(f"the gateway is at its limit of {limit} {what}", limit=str(limit))


class ReaderTooSlowError(OwnError):
    """A stream's reader has fallen behind by more than is kept for it."""

    def __init__(self, behind: int, limit: int) -> None:
        super().__init__(
            f"the reader is {behind} events behind, and at most {limit} are kept for one",
            behind=str(behind),
            limit=str(limit),
        )


class ReaderStalledError(OwnError):
    """Nothing of a stream was read for longer than is waited."""

    def __init__(self, waited_ms: int) -> None:
        super().__init__(
            f"nothing of the stream was read for {waited_ms} ms", waitedMs=str(waited_ms)
        )


class StoppingError(OwnError):
    """The gateway is stopping; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("the gateway is stopping; call another replica")
