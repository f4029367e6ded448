"""What do spoiled answers look like?

Pure.
"""

from collections.abc import Mapping, Sequence
from random import Random
from typing import Any

from okx_simulator.answer import Ack, Row
from okx_simulator.fault.rule import FaultRule
from okx_simulator.rest.param import Params
from okx_simulator.websocket.error import text_of

BAD_GATEWAY_HTML = (
    "<html>\r\n<head><title>502 Bad Gateway</title></head>\r\n<body>\r\n"
    "<center><h1>502 Bad Gateway</h1></center>\r\n<hr><center>nginx</center>\r\n"
    "</body>\r\n</html>\r\n"
)
_JUNK = '{}[],:"0123456789abcdef\\'
_ALL_FAILED = "1"


def truncated(text: str) -> str:
    """Return the first half of a text."""
    return text[: len(text) // 2]


def garbled(text: str, random: Random) -> str:
    """Return a text of the same length that is no JSON."""
    return "<" + "".join(random.choices(_JUNK, k=max(1, len(text) - 1)))


def wrong_id(frame: Mapping[str, Any]) -> dict[str, Any]:
    """Return an answer as if it were to another request."""
    return {**frame, "id": f"{frame.get('id', '')}x"}


def coded_ack(rule: FaultRule, orders: Sequence[Params], now_ms: int) -> Ack:
    """Return the answer of a code fault: the code of the call, or the sCode of every order."""
    message = text_of(rule.code)
    if rule.in_rows and orders:
        rows = [_refused_row(order, rule.code, message, now_ms) for order in orders]
        return Ack(rows=rows, code=_ALL_FAILED, message=text_of(_ALL_FAILED))
    return Ack(rows=(), code=rule.code, message=message)


def _refused_row(order: Params, code: str, message: str, now_ms: int) -> Row:
    return {
        "clOrdId": _text(order.get("clOrdId")),
        "ordId": "",
        "reqId": _text(order.get("reqId")),
        "sCode": code,
        "sMsg": message,
        "subCode": "",
        "tag": _text(order.get("tag")),
        "ts": str(now_ms),
    }


def _text(word: Any) -> str:
    return word if isinstance(word, str) else ""
