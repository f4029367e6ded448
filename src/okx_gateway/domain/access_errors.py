"""How can a call fail because of who makes it, and what is then known?  Pure.

A part of the tree in domain/errors.py.
"""

from okx_gateway.domain.errors import CallerError


class UnauthenticatedError(CallerError):
    """Who calls is not known; nothing was sent. Whatever is wrong, the words are the same."""

    def __init__(self) -> None:
        super().__init__("the gateway does not know who calls: show one valid token or certificate")


class PermissionDeniedError(CallerError):
    """The caller may not do this, or there is no such thing to do it to; nothing was sent."""

    def __init__(self) -> None:
        super().__init__("this caller may not make this call")


class OrderLimitExceededError(CallerError):
    """The order is beyond what its caller may order at once; nothing was sent."""

    def __init__(self, limit: str, *, asked: str, allowed: str) -> None:
        super().__init__(
            f"beyond the limit {limit} of this caller: {asked}, and allowed is {allowed}",
            limit=limit,
            asked=asked,
            allowed=allowed,
        )
