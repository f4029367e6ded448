"""How is one request signed and sent?  Joins the signer, OKX's clock and the REST client."""

from collections.abc import Mapping
from typing import Protocol
from urllib.parse import urlencode

from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.signature import timestamp_text
from okx_gateway.trace_step import step


class RequestSigner(Protocol):
    """Signs for an account; the only thing here that knows a secret."""

    def sign(
        self, account: str, endpoint: Endpoint, *, timestamp: str, request_path: str, body: bytes
    ) -> Mapping[str, str]:
        """The headers that prove the request comes from the account's key."""


class SignedRequests:
    """Requests of accounts, and public ones, which need no signature."""

    def __init__(
        self, rest: RestClient, signer: RequestSigner, clock: ExchangeClock, *, demo: bool
    ) -> None:
        self._rest = rest
        self._signer = signer
        self._clock = clock
        # Also on public requests, or OKX answers with the live market.
        self._public_headers = {"x-simulated-trading": "1"} if demo else {}

    async def send(
        self,
        endpoint: Endpoint,
        *,
        account: str = "",
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        expiry_ms: int | None = None,
        timeout_s: float,
        write_before_s: float | None = None,
    ) -> RawReply:
        """Sign these bytes and send these bytes, once.

        OKX drops the request after `expiry_ms` of its clock, where it heeds that, and it is not
        written after `write_before_s` of our monotonic clock.

        Raises:
            RequestNotSentError: Nothing was sent.
            ReplyLostError: It may have been sent; there is no whole answer.
        """
        request_path = f"{endpoint.path}?{urlencode(query)}" if query else endpoint.path
        headers = {"Content-Type": "application/json"}
        if expiry_ms is not None:
            headers["expTime"] = str(expiry_ms)
        if endpoint.private:
            with step("sign"):
                headers |= self._signer.sign(
                    account,
                    endpoint,
                    timestamp=timestamp_text(self._clock.now_ms()),
                    request_path=request_path,
                    body=body,
                )
        else:
            headers |= self._public_headers
        with step("send", **{"okx.endpoint": endpoint.name}) as span:
            raw = await self._rest.send(
                endpoint,
                request_path=request_path,
                body=body,
                headers=headers,
                timeout_s=timeout_s,
                write_before_s=write_before_s,
            )
            span.set_attribute("http.response.status_code", raw.status)
        return raw
