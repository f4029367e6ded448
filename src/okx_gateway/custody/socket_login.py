"""How does an account log in on a WebSocket?  Joins the signer and OKX's clock."""

from collections.abc import Callable
from typing import Protocol

import orjson

from okx_gateway.custody.signer import Signer
from okx_gateway.domain.errors import ExchangeUnavailableError


class Clock(Protocol):
    """OKX's clock."""

    def now_ms(self) -> int:
        """OKX's time."""

    def error_ms(self) -> int:
        """How far off that may be."""


# OKX takes a signature that is up to 30 s off.
_ERROR_MS_MAX = 10_000


def socket_login(signer: Signer, clock: Clock, account: str) -> Callable[[], str]:
    """Make what gives a finished login frame of `account` for each new connection.

    A frame holds the API key, the passphrase and a signature, and is good for 30 s.
    """

    def frame() -> str:
        """Sign anew.

        Raises:
            AccountUnknownError: There is no such account.
            CredentialUnusableError: The account's key was dropped.
            ExchangeUnavailableError: OKX's time, which is signed, is not known yet.
        """
        if clock.error_ms() > _ERROR_MS_MAX:
            raise ExchangeUnavailableError("it has not told its time yet")
        signed = signer.sign_login(account, timestamp_s=clock.now_ms() // 1000)
        return orjson.dumps({"op": "login", "args": [dict(signed)]}).decode()

    return frame
