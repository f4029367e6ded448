"""Which of those who may call is it?  Pure.

A caller gives itself a name, and is believed: nobody is authenticated here. The name tells whose
order ids are whose, and whose share of the budget a call takes from.
"""

import re
from collections.abc import Iterable

from okx_gateway.domain.errors import InvalidRequestError, Violation

HEADER = "x-caller"
NAME_PATTERN = "[a-z][a-z0-9-]{0,31}"
# All who give no name are one caller.
UNNAMED = "unauthenticated"

_NAME = re.compile(NAME_PATTERN, re.ASCII)
_VALUE_LENGTH_MAX = 64


def caller_name(pairs: Iterable[tuple[str | bytes, str | bytes]]) -> str:
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
