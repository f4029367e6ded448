"""Which page of a list does a call want? Pure.

Lists are newest first; `after` asks for what is older than a cursor, `before` for what is newer,
`begin` and `end` for a span of time. Source: OKX docs, 'Order history (last 7 days)' and others.
"""

from collections.abc import Callable, Sequence
from typing import TypeVar

from okx_simulator.rest.param import Params, integer

T = TypeVar("T")
_INTEGER_MAX = 10**19


def page(
    newest_first: Sequence[T],
    params: Params,
    cursor: Callable[[T], int],
    *,
    time_ms: Callable[[T], int] | None = None,
    limit_max: int = 100,
    limit_default: int = 100,
) -> list[T]:
    """Return the page of `newest_first` that `params` ask for.

    With `before` alone that is the newest page, not the one next to the cursor.

    Raises:
        RefusedError: 51000, a cursor or the limit is not an integer within bounds.
    """
    limit = min(integer(params, "limit", limit_default, 1, _INTEGER_MAX), limit_max)
    after = integer(params, "after", _INTEGER_MAX, 0, _INTEGER_MAX)
    before = integer(params, "before", -1, 0, _INTEGER_MAX)
    begin = integer(params, "begin", 0, 0, _INTEGER_MAX)
    end = integer(params, "end", _INTEGER_MAX, 0, _INTEGER_MAX)
    found: list[T] = []
    for one in newest_first:
        if not before < cursor(one) < after:
            continue
        if time_ms is not None and not begin <= time_ms(one) <= end:
            continue
        found.append(one)
        if len(found) >= limit:
            break
    return found
