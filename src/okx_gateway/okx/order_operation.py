"""How is a request about orders written for a socket, and which refusals are the socket's?  Pure.

Source: OKX docs v5, "Order Book Trading / Trade": WS Place order and its siblings.
"""

from collections.abc import Mapping, Sequence
from typing import Any

from okx_gateway.domain.order import Refused
from okx_gateway.okx import code as codes

_CODE_FIELD = "instIdCode"
_NO_SUCH_INSTRUMENT = "51001"


def operation_arguments(
    orders: Sequence[Mapping[str, Any]], socket_code: int
) -> list[dict[str, Any]]:
    """Orders as REST is sent them, with the number of their instrument in place of `instId`."""
    return [
        {_CODE_FIELD: socket_code, **{name: each[name] for name in each if name != "instId"}}
        for each in orders
    ]


def is_about_the_code(refused: Refused) -> bool:
    """Whether the number that named the instrument was refused; over REST its name may be taken."""
    return refused.code == _NO_SUCH_INSTRUMENT or _CODE_FIELD in refused.message


def is_about_the_socket(refused: Refused) -> bool:
    """Whether the request was refused as the socket had it; REST may take it."""
    return refused.code in codes.SOCKET_REFUSED
