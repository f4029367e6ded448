"""What is signed, and how is its time written?  Pure.

Source: OKX docs v5, "Authentication".
"""

from datetime import UTC, datetime


def timestamp_text(exchange_ms: int) -> str:
    """Write a time, ms of OKX's clock, as OKX wants it: 2020-12-08T09:08:57.715Z."""
    seconds, milliseconds = divmod(exchange_ms, 1000)
    moment = datetime.fromtimestamp(seconds, UTC)
    return f"{moment:%Y-%m-%dT%H:%M:%S}.{milliseconds:03d}Z"


def rest_message(timestamp: str, method: str, request_path: str, body: bytes) -> bytes:
    """The bytes whose HMAC-SHA256 signs a REST request."""
    return f"{timestamp}{method}{request_path}".encode("ascii") + body


def login_message(timestamp_s: int) -> bytes:
    """The bytes whose HMAC-SHA256 signs a login over WebSocket."""
    return f"{timestamp_s}GET/users/self/verify".encode("ascii")
