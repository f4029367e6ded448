"""What does each error of a WebSocket say, and how does it close?

Pure. The words are those which OKX sends, because clients match on them.
Source: OKX docs, 'Error Code', sections 'WebSocket' and 'Close Frame'.
"""

from collections.abc import Mapping
from enum import IntEnum
from typing import Any

from okx_simulator.error_code import MESSAGES as REST_MESSAGES

_HELP_URL = (
    "https://www.okx.com/help-center/changes-to-v5-api-websocket-subscription-parameter-and-url"
)

# code: text; {0} is filled in by the refusal.
MESSAGES: Mapping[str, str] = {
    "60011": "Please log in",
    "60012": "Invalid request: {0}",
    "60013": "Invalid args",
    "60014": "Requests too frequent",
    "60018": (
        "Wrong URL or {0} doesn't exist. Please use the correct URL, channel and parameters "
        "referring to API document."
    ),
    "60019": "Invalid op: {0}",
    "60027": "Parameter {0} can not be empty.",
    "60028": (
        "The current operation is not supported by this URL. Please use the correct WebSocket URL "
        "for the operation."
    ),
    "60031": "The WebSocket endpoint does not allow multiple or repeated logins.",
    "64000": (
        "Subscription parameter uly is unavailable anymore, please replace uly with instFamily. "
        f"More details can refer to: {_HELP_URL}."
    ),
    "64001": (
        "This channel has been migrated to the '/business' URL. Please subscribe using the new "
        f"URL. More details can refer to: {_HELP_URL}."
    ),
    "64002": (
        'This channel is not supported by "/business" URL. Please use "/private" URL(for private '
        'channels), or "/public" URL(for public channels). '
        f"More details can refer to: {_HELP_URL}."
    ),
    "64003": "Your trading fee tier doesn't meet the requirement to access this channel",
    "64008": "The connection will soon be closed for a service upgrade. Please reconnect.",
}


class CloseCode(IntEnum):
    """Why the exchange closes a socket."""

    GOING_AWAY = 1001
    LOGIN_FAILED = 4001
    NO_DATA = 4004
    BUFFER_FULL = 4005
    KEY_CHANGED = 4007
    TOO_MANY_CHANNELS = 4009


CLOSE_REASONS: Mapping[CloseCode, str] = {
    CloseCode.GOING_AWAY: "",
    CloseCode.LOGIN_FAILED: "Login Failed",
    CloseCode.NO_DATA: "No data received in 30s",
    CloseCode.BUFFER_FULL: "Buffer is full, cannot write data",
    CloseCode.KEY_CHANGED: "API key has been updated or deleted. Please reconnect.",
    CloseCode.TOO_MANY_CHANNELS: (
        "The number of subscription channels for this connection exceeds the limit"
    ),
}


def text_of(code: str, *fill: object) -> str:
    """Return what OKX says with a code, of sockets or of REST; empty where that is not known."""
    return MESSAGES.get(code, REST_MESSAGES.get(code, "")).format(*fill)


def error_event(code: str, message: str, request_id: str, connection: str) -> dict[str, Any]:
    """Return the frame that refuses a request; the id only where the request had one."""
    named = {"id": request_id} if request_id else {}
    return {**named, "event": "error", "code": code, "msg": message, "connId": connection}
