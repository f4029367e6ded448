"""What can be asked of OKX, and what is then known?

Joins codecs, signed requests and verdicts; knows nothing of budgets and journals.
"""

import time
from collections.abc import Mapping, Sequence
from typing import TypeVar

from okx_gateway.domain import errors
from okx_gateway.domain.balance import Balance
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order_book import OrderBook
from okx_gateway.domain.ticker import Ticker
from okx_gateway.okx import code as codes
from okx_gateway.okx.account_list import AccountList, AccountPage, page_from_rows
from okx_gateway.okx.balance_codec import balance_from_row
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.instrument_codec import instrument_from_row
from okx_gateway.okx.order_book_codec import order_book_from_row
from okx_gateway.okx.order_requests import OrderRequests
from okx_gateway.okx.order_sockets import OrderSockets
from okx_gateway.okx.rate_limit_codec import orders_per_2_s_from_row
from okx_gateway.okx.reply import RawReply, Reply, Row, UnreadableReplyError, parse_reply, text
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError, RestClient
from okx_gateway.okx.signed_requests import RequestSigner, SignedRequests
from okx_gateway.okx.ticker_codec import ticker_from_row

_READ_TIMEOUT_S = 5.0
_THROTTLED_RETRY_MS = 2_000
# As deep as the channel of updates, so that the two can be joined.
BOOK_DEPTH = 400
_T = TypeVar("_T")


class ExchangeClient(OrderRequests):
    """OKX as the use cases see it: requests about orders, and the reads that are not about one.

    Orders are placed and changed over `sockets` where those take them, all else is asked over REST.
    Where `write_before_s` is given, of our monotonic clock, nothing is written after it.
    """

    def __init__(
        self,
        rest: RestClient,
        signer: RequestSigner,
        clock: ExchangeClock,
        *,
        demo: bool,
        sockets: OrderSockets | None = None,
    ) -> None:
        super().__init__(SignedRequests(rest, signer, clock, demo=demo), clock, sockets)

    async def balance(
        self, account: str, currencies: Sequence[str], *, write_before_s: float | None = None
    ) -> Balance:
        """Read what an account holds; of all currencies where none is named.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        query = {"ccy": ",".join(currencies)} if currencies else {}
        rows = await self._read(
            Endpoint.GET_BALANCE, account=account, query=query, write_before_s=write_before_s
        )
        row = _one("balance", rows)
        try:
            return balance_from_row(row)
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def account_page(
        self,
        account: str,
        wanted: AccountList,
        *,
        after: str = "",
        write_before_s: float | None = None,
    ) -> AccountPage:
        """Read one page of a list of an account's orders or fills, the newest first.

        `after` is what the page before it told.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        rows = await self._read(
            wanted.endpoint,
            account=account,
            query=wanted.parameters(after),
            write_before_s=write_before_s,
        )
        try:
            return page_from_rows(wanted, rows, after=after)
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def account_config(self, account: str, *, write_before_s: float | None = None) -> Row:
        """Read the account's configuration, as OKX wrote it.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        rows = await self._read(
            Endpoint.GET_ACCOUNT_CONFIG, account=account, write_before_s=write_before_s
        )
        return _one("configuration", rows)

    async def account_rate_limit(self, account: str, *, write_before_s: float | None = None) -> int:
        """Read how many new and amended orders the account may send in 2 s, on all instruments.

        Raises:
            ExchangeError: OKX gave no usable answer.
            CredentialUnusableError: OKX does not accept the account's credential.
        """
        rows = await self._read(
            Endpoint.GET_ACCOUNT_RATE_LIMIT, account=account, write_before_s=write_before_s
        )
        row = _one("rate limit", rows)
        try:
            return orders_per_2_s_from_row(row)
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def instruments(
        self, kind: InstrumentType, family: str = "", *, write_before_s: float | None = None
    ) -> list[Instrument]:
        """Read all instruments of a type; of OPTION those of one `family`, which OKX demands.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        query = {"instType": kind.value}
        if family:
            query["instFamily"] = family
        rows = await self._read(
            Endpoint.GET_INSTRUMENTS, query=query, write_before_s=write_before_s
        )
        try:
            return [instrument_from_row(row) for row in rows]
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def ticker(self, instrument: str, *, write_before_s: float | None = None) -> Ticker:
        """Read the ticker of one instrument.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        query = {"instId": instrument}
        rows = await self._read(Endpoint.GET_TICKER, query=query, write_before_s=write_before_s)
        return _one("ticker", _tickers(rows))

    async def tickers(
        self, kind: InstrumentType, *, write_before_s: float | None = None
    ) -> list[Ticker]:
        """Read the tickers of all instruments of a type, which MARGIN is not for OKX.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        query = {"instType": kind.value}
        rows = await self._read(Endpoint.GET_TICKERS, query=query, write_before_s=write_before_s)
        return _tickers(rows)

    async def order_book(
        self, instrument: str, *, write_before_s: float | None = None
    ) -> OrderBook:
        """Read the order book of one instrument, as deep as OKX gives it.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        # OKX asks for source=0 where the book is to be joined to the updates of the channel.
        query = {"instId": instrument, "sz": str(BOOK_DEPTH), "source": "0"}
        rows = await self._read(Endpoint.GET_ORDER_BOOK, query=query, write_before_s=write_before_s)
        row = _one("order book", rows)
        try:
            return order_book_from_row(row, instrument, receive_ms=_wall_ms())
        except UnreadableReplyError as error:
            raise errors.ExchangeUnavailableError(str(error)) from error

    async def synchronise(self, *, write_before_s: float | None = None) -> None:
        """Sample OKX's clock.

        Raises:
            ExchangeError: OKX gave no usable answer.
        """
        raw, reply = await self._answered(
            Endpoint.GET_TIME, account="", query={}, write_before_s=write_before_s
        )
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
        self,
        endpoint: Endpoint,
        *,
        account: str = "",
        query: Mapping[str, str] | None = None,
        write_before_s: float | None,
    ) -> tuple[Row, ...]:
        _, reply = await self._answered(
            endpoint, account=account, query=query or {}, write_before_s=write_before_s
        )
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
        self,
        endpoint: Endpoint,
        *,
        account: str,
        query: Mapping[str, str],
        write_before_s: float | None,
    ) -> tuple[RawReply, Reply]:
        try:
            raw = await self._requests.send(
                endpoint,
                account=account,
                query=query,
                timeout_s=_READ_TIMEOUT_S,
                write_before_s=write_before_s,
            )
            if raw.status >= 500:
                raise errors.ExchangeUnavailableError(f"HTTP {raw.status}")
            return raw, parse_reply(raw.body)
        except RequestNotSentError as error:
            raise errors.ExchangeUnavailableError(str(error), late=error.late) from error
        except (ReplyLostError, UnreadableReplyError) as error:
            raise errors.ExchangeUnavailableError(str(error)) from error


def _one(what: str, found: Sequence[_T]) -> _T:
    if len(found) != 1:
        raise errors.ExchangeUnavailableError(f"not one {what} in the reply")
    return found[0]


def _tickers(rows: Sequence[Row]) -> list[Ticker]:
    receive_ms = _wall_ms()
    try:
        return [ticker_from_row(row, receive_ms=receive_ms) for row in rows]
    except UnreadableReplyError as error:
        raise errors.ExchangeUnavailableError(str(error)) from error


def _wall_ms() -> int:
    return int(time.time() * 1000)
