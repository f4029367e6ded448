"""Replies of OKX about orders, well-formed and odd."""

import json
from typing import Any

from hypothesis import strategies as st

from okx_gateway.okx.reply import RawReply

ID = "oktswap6"
HTML = b"<html><title>502 Bad Gateway</title></html>"

odd = st.none() | st.booleans() | st.integers() | st.lists(st.just("0")) | st.just({"0": "0"})
some_codes = st.sampled_from(["0", "1", "2", "50004", "51008", "51016", "51603", "77777", ""])


def raw(body: object, status: int = 200) -> RawReply:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return RawReply(status, content, 0.0, 0.01)


def answer(code: str = "0", *rows: dict[str, Any], **more: Any) -> dict[str, Any]:
    return {"code": code, "msg": "", "data": list(rows), **more}


def row(code: str = "0", order_id: Any = "312269865356374016", **more: Any) -> dict[str, Any]:
    return {
        "ordId": order_id,
        "clOrdId": ID,
        "tag": "",
        "ts": "1695190491421",
        "sCode": code,
        "sMsg": "",
        **more,
    }
