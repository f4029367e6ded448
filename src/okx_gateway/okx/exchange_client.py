"""What can be asked of OKX, and what is then known?

Joins codecs, signatures, the REST client and verdicts; knows nothing of budgets and journals.
"""

from collections.abc import Mapping, Sequence
from typing import Protocol
from urllib.parse import urlencode

from okx_gateway.domain import errors
from okx_gateway.domain.balance import Balance
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import NewOrder, OrderName, Placed
from okx_gateway.okx import code as codes
from okx_gateway.okx import order_codec, verdict
from okx_gateway.okx.balance_codec import balance_from_row
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.instrument_codec import instrument_from_row
from okx_gateway.okx.reply import RawReply, Reply, Row, UnreadableReplyError, parse_reply, text
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError, RestClient
from okx_gateway.okx.signature import timestamp_text
from okx_gateway.trace_step import step

_WRITE_TIMEOUT_S = 3.0
_READ_TIMEOUT_S = 5.0
_THROTTLED_RETRY_MS = 2_000


class RequestSigner(Protocol):
    """Signs for an account; the only thing here that knows a secret."""

    def sign(
        self, account: str, endpoint: Endpoint, *, timestamp: str, request_path: str, body: bytes
    ) -> Mapping[str, str]:
        """The headers that prove the request comes from the account's key."""


class ExchangeClient:
    """OKX as the use cases see it."""

    def __init__(
        self, rest: RestClient, signer: RequestSigner, clock: ExchangeClock, *, demo: bool
    ) -> None:
        self._rest = rest
        self._signer = signer
        self._clock = clock
        # Also on public requests, or OKX answers with the live market.
        self._public_headers = {"x-simulated-trading": "1"} if demo else {}

    async def place(
        self, order: NewOrder, instrument: Instrument, *, expiry_ms: int
    ) -> verdict.PlaceVerdict:
        """Write `order` to the wire once; OKX drops it after `expiry_ms` of its own clock."""
        body = order_codec.body_of(order_codec.place_parameters(order, instrument))
        try:
            raw = await self._send(
                Endpoint.PLACE_ORDER,
                account=order.account,
                body=body,
                headers={"expTime": str(expiry_ms)},
                timeout_s=_WRITE_TIMEOUT_S,
            )
        except RequestNotSentError as error:
            return verdict.Unsent(str(error))
        except ReplyLostError as error:
            return verdict.InDoubt(str(error))
        judged = verdict.verdict_on_place(raw, order.client_order_id)
        if isinstance(judged, Placed) and judged.receive_us and judged.send_us:
            self._clock.learn(
                sent_s=raw.sent_s,
                received_s=raw.received_s,
                earliest_ms=judged.receive_us / 1000,
                latest_ms=judged.send_us / 1000,
            )
        return judged

    async def cancel(self, account: str, instrument: str, name: OrderName) -> verdict.CancelVerdict:
        """Ask once to cancel an order."""
        body = order_codec.body_of(dict(order_codec.name_parameters(instrument, name)))
        try:
            raw = await self._send(
                Endpoint.CANCEL_ORDER, account=account, body=body, timeout_s=_WRITE_TIMEOUT_S
            )
        except RequestNotSentError as error:
            return verdict.Unsent(str(error))
        except ReplyLostError as error:
            return verdict.InDoubt(str(error))
        return verdict.verdict_on_cancel(raw)

    async def look_up(
        self, account: str, instrument: str, name: OrderName
    ) -> verdict.LookupVerdict:
        """Look one order up."""
        try:
            raw = await self._send(
                Endpoint.GET_ORDER,
                account=account,
                query=order_codec.name_parameters(instrument, name),
                timeout_s=_READ_TIMEOUT_S,
            )
        except (RequestNotSentError, ReplyLostError) as error:
            return verdict.NoEvidence(str(error))
        return verdict.verdict_on_lookup(raw, name)

    async def balance(self, account: str, currencies: Sequence[str]) -> Balance:
        """Read what an account holds; of all currencies where none is named.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        query = {"ccy": ",".join(currencies)} if currencies else {}
        rows = await self._read(Endpoint.GET_BALANCE, account=account, query=query)
        if len(rows) != 1:
            raise errors.ExchangeUnavailableError("not one balance in the reply")
        try:
            return balance_from_row(rows[0])
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def account_config(self, account: str) -> Row:
        """Read the account's configuration, as OKX wrote it.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        rows = await self._read(Endpoint.GET_ACCOUNT_CONFIG, account=account)
        if len(rows) != 1:
            raise errors.ExchangeUnavailableError("not one configuration in the reply")
        return rows[0]

    async def instruments(self, kind: InstrumentType, family: str = "") -> list[Instrument]:
        """Read all instruments of a type; of OPTION those of one `family`, which OKX demands.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        query = {"instType": kind.value}
        if family:
            query["instFamily"] = family
        rows = await self._read(Endpoint.GET_INSTRUMENTS, query=query)
        try:
            return [instrument_from_row(row) for row in rows]
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def synchronise(self) -> None:
        """Sample OKX's clock.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        raw, reply = await self._answered(Endpoint.GET_TIME, account="", query={})
        try:
            server_ms = int(text(reply.rows[0], "ts")) if reply.rows else 0
        except ValueError as error:
            raise errors.ExchangeUnavailableError("unreadable time") from error
        if server_ms:
            self._clock.learn(
                sent_s=raw.sent_s,
                received_s=raw.received_s,
                earliest_ms=server_ms,
                latest_ms=server_ms,
            )

    async def _read(
        self, endpoint: Endpoint, *, account: str = "", query: Mapping[str, str] | None = None
    ) -> tuple[Row, ...]:
        _, reply = await self._answered(endpoint, account=account, query=query or {})
        if reply.code == codes.SUCCESS:
            return reply.rows
        if reply.code in codes.THROTTLED:
            raise errors.ExchangeThrottledError(
                okx_code=reply.code, okx_message=reply.message, retry_after_ms=_THROTTLED_RETRY_MS
            )
        if reply.code in codes.CREDENTIAL:
            raise errors.CredentialUnusableError(account, f"{reply.code} {reply.message}")
        raise errors.ExchangeRefusedError(okx_code=reply.code, okx_message=reply.message)

    async def _answered(
        self, endpoint: Endpoint, *, account: str, query: Mapping[str, str]
    ) -> tuple[RawReply, Reply]:
        try:
            raw = await self._send(
                endpoint, account=account, query=query, timeout_s=_READ_TIMEOUT_S
            )
            if raw.status >= 500:
                raise errors.ExchangeUnavailableError(f"HTTP {raw.status}")
            return raw, parse_reply(raw.body)
        except (RequestNotSentError, ReplyLostError, UnreadableReplyError) as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def _send(
        self,
        endpoint: Endpoint,
        *,
        account: str,
        query: Mapping[str, str] | None = None,
        body: bytes = b"",
        headers: Mapping[str, str] | None = None,
        timeout_s: float,
    ) -> RawReply:
        """Sign these bytes and send these bytes."""
        request_path = f"{endpoint.path}?{urlencode(query)}" if query else endpoint.path
        sent_headers = {"Content-Type": "application/json", **(headers or {})}
        if endpoint.private:
            with step("sign"):
                sent_headers |= self._signer.sign(
                    account,
                    endpoint,
                    timestamp=timestamp_text(self._clock.now_ms()),
                    request_path=request_path,
                    body=body,
                )
        else:
            sent_headers |= self._public_headers
        with step("send", **{"okx.endpoint": endpoint.name}) as span:
            raw = await self._rest.send(
                endpoint,
                request_path=request_path,
                body=body,
                headers=sent_headers,
                timeout_s=timeout_s,
            )
            span.set_attribute("http.response.status_code", raw.status)
        return raw
