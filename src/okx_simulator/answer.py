"""Which JSON body does an answer have? Pure.

Source: OKX docs, the answers of 'Place order' and its siblings.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any, TypeAlias

from okx_simulator.error_code import MESSAGES, RefusedError

Row: TypeAlias = dict[str, Any]
_RATE_LIMITED = "50011"


@dataclass(frozen=True)
class Ack:
    """What the exchange says to a write of orders: one row per order, in the order asked.

    A call refused before the matching started has no rows and the code of the refusal.
    """

    rows: Sequence[Row]
    code: str = field(default="")
    message: str = field(default="")

    @classmethod
    def of_rows(cls, rows: Sequence[Row]) -> "Ack":
        """Return the ack whose top code sums up the `sCode` of every row: 0, 1 or 2 (mixed)."""
        good = sum(row["sCode"] == "0" for row in rows)
        code = "0" if good == len(rows) else "2" if good else "1"
        return cls(rows=rows, code=code, message="" if code == "0" else MESSAGES[code])

    @classmethod
    def of_refusal(cls, error: RefusedError) -> "Ack":
        """Return the ack of a call that was refused as a whole."""
        return cls(rows=(), code=error.code, message=error.message)

    def body(self, in_us: int, out_us: int) -> Row:
        """Return the JSON body over REST; the times are microseconds at the exchange's gate."""
        return {
            "code": self.code,
            "data": list(self.rows),
            "inTime": str(in_us),
            "msg": self.message,
            "outTime": str(out_us),
        }


def success(rows: Sequence[Any]) -> Row:
    """Return the body of a call that went well."""
    return {"code": "0", "data": list(rows), "msg": ""}


def refusal(error: RefusedError) -> Row:
    """Return the body of a call that was refused as a whole.

    Over a rate limit OKX answers without data; parsers have to live with both.
    """
    if error.code == _RATE_LIMITED:
        return {"msg": error.message, "code": error.code}
    return {"code": error.code, "data": [], "msg": error.message}


def not_found() -> Row:
    """Return the body that goes with HTTP 404: OKX has no such path."""
    return {
        "code": "404",
        "data": {},
        "detailMsg": "",
        "error_code": "404",
        "error_message": "Not Found",
        "msg": "Not Found",
    }
