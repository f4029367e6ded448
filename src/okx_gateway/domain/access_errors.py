"""How can a call fail because of who makes it, and what is then known?  Pure.

A part of the tree in domain/errors.py.
"""

from okx_gateway.domain.errors import CallerError


class UnauthenticatedError(CallerError):
    """Who calls is not known; nothing was sent. Whatever is wrong, the words are the same."""

    def __init__(self) -> None:
        super().__init__("the gateway does not know who calls: show one valid token or certificate")
