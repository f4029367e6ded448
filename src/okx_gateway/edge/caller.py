"""Which of those who may call is it?  Pure.

The name tells whose order ids are whose, and whose share of the budget a call takes from. Without a
file of identities a caller gives itself a name, and is believed.
"""

import re
from collections.abc import Awaitable, Callable, Iterable

from okx_gateway.access.identity_document import NAME_PATTERN
from okx_gateway.domain.errors import InvalidRequestError, Violation

HEADER = "x-caller"
# All who give no name are one caller.
UNNAMED = "unauthenticated"

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_VALUE_LENGTH_MAX = 64

Headers = Iterable[tuple[str | bytes, str | bytes]]
# Who calls, by headers and the certificate that TLS has verified, if any. Raises a CallerError.
Identify = Callable[[Headers, bytes | None], Awaitable[str]]


async def believed_name(headers: Headers, _certificate: bytes | None) -> str:
    """Take the caller for whom it says to be.

    Raises:
        InvalidRequestError: As `caller_name`.
    """
    return caller_name(headers)


def caller_name(pairs: Headers) -> str:
    """Read who calls from gRPC metadata or HTTP headers, in lower case.

    Raises:
        InvalidRequestError: There is a name, and it is not of the form or not the only one.
    """
    names = [_text(value) for key, value in pairs if _text(key) == HEADER]
    if not names:
        return UNNAMED
    if len(names) > 1 or not _NAME.fullmatch(names[0]):
        rule = "must be one name of 1 to 32 small letters, digits and -, with a letter first"
        raise InvalidRequestError([Violation(HEADER, rule, ", ".join(names)[:_VALUE_LENGTH_MAX])])
    return names[0]


def _text(part: str | bytes) -> str:
    return part.decode("latin-1") if isinstance(part, bytes) else part
