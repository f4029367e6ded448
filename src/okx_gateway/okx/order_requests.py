"""What can be asked of OKX about orders, and what is then known?

Joins codecs, what reads and writes, and verdicts; knows nothing of budgets and journals.
"""

from collections.abc import Mapping, Sequence
from decimal import Decimal

from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import NewOrder, OrderName
from okx_gateway.okx import order_codec, order_list, verdict
from okx_gateway.okx.amend_verdict import AmendVerdict, verdict_on_amend
from okx_gateway.okx.batch_verdict import verdicts_on_batch
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_sockets import OrderSockets
from okx_gateway.okx.order_writer import OrderRequest, OrderWriter
from okx_gateway.okx.reply import RawReply
from okx_gateway.okx.rest_client import ReplyLostError, RequestNotSentError
from okx_gateway.okx.signed_requests import SignedRequests

_LOOK_TIMEOUT_S = 5.0


class OrderRequests:
    """Requests about orders, each sent at most once, over a socket of `sockets` or over REST.

    Where `write_before_s` is given, of our monotonic clock, nothing is written after it.
    """

    def __init__(
        self, requests: SignedRequests, clock: ExchangeClock, sockets: OrderSockets | None = None
    ) -> None:
        self._requests = requests
        self._clock = clock
        self._writer = OrderWriter(requests, clock, sockets)

    def last_write_ms(self, account: str) -> int:
        """When a write of this replica reached OKX last, by its clock; see `LastWrite`."""
        return self._writer.last_write.at_ms(account)

    async def place(
        self,
        order: NewOrder,
        instrument: Instrument,
        *,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> verdict.PlaceVerdict:
        """Write `order` to the wire once; OKX drops it after `expiry_ms` of its own clock."""
        request = OrderRequest(
            endpoint=Endpoint.PLACE_ORDER,
            account=order.account,
            instrument=instrument,
            orders=[order_codec.place_parameters(order, instrument)],
            expiry_ms=expiry_ms,
            write_before_s=write_before_s,
        )
        [judged] = await self._writer.write(
            request, lambda raw: [verdict.verdict_on_place(raw, order.client_order_id)]
        )
        return judged

    async def place_batch(
        self,
        orders: Sequence[NewOrder],
        instrument: Instrument,
        *,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> list[verdict.PlaceVerdict]:
        """Write 2 to 20 orders of one account on one instrument to the wire, together and once.

        One verdict per order, in their order.

        Raises:
            ValueError: They are too few or too many, or do not belong together; nothing was sent.
        """
        if not order_codec.BATCH_MIN <= len(orders) <= order_codec.BATCH_MAX:
            raise ValueError(f"{len(orders)} orders are no batch")
        if len({(each.account, each.instrument) for each in orders}) > 1:
            raise ValueError("orders of several accounts or instruments are no batch")
        request = OrderRequest(
            endpoint=Endpoint.PLACE_ORDERS,
            account=orders[0].account,
            instrument=instrument,
            orders=[order_codec.place_parameters(each, instrument) for each in orders],
            expiry_ms=expiry_ms,
            write_before_s=write_before_s,
        )
        names = [each.client_order_id for each in orders]
        return await self._writer.write(request, lambda raw: verdicts_on_batch(raw, names))

    async def amend(
        self,
        account: str,
        instrument: Instrument,
        exchange_order_id: str,
        *,
        quantity: Decimal | None,
        price: Decimal | None,
        amend_id: str,
        expiry_ms: int,
        write_before_s: float | None = None,
    ) -> AmendVerdict:
        """Ask once to give an order another quantity, what is filled included, or another price.

        None leaves what it is about as it is. OKX drops the request after `expiry_ms` of its own
        clock. `amend_id` comes back with the answer.
        """
        parameters = order_codec.amend_parameters(
            instrument.name, exchange_order_id, quantity=quantity, price=price, amend_id=amend_id
        )
        request = OrderRequest(
            endpoint=Endpoint.AMEND_ORDER,
            account=account,
            instrument=instrument,
            orders=[parameters],
            expiry_ms=expiry_ms,
            write_before_s=write_before_s,
        )
        [judged] = await self._writer.write(
            request, lambda raw: [verdict_on_amend(raw, exchange_order_id, amend_id)]
        )
        return judged

    async def cancel(
        self,
        account: str,
        instrument: Instrument,
        name: OrderName,
        *,
        write_before_s: float | None = None,
    ) -> verdict.CancelVerdict:
        """Ask once to cancel an order."""
        request = OrderRequest(
            endpoint=Endpoint.CANCEL_ORDER,
            account=account,
            instrument=instrument,
            orders=[order_codec.name_parameters(instrument.name, name)],
            write_before_s=write_before_s,
        )
        [judged] = await self._writer.write(
            request, lambda raw: [verdict.verdict_on_cancel(raw, name)]
        )
        return judged

    async def look_up(
        self,
        account: str,
        instrument: str,
        name: OrderName,
        *,
        write_before_s: float | None = None,
    ) -> verdict.LookupVerdict:
        """Look one order up."""
        raw = await self._look(
            Endpoint.GET_ORDER,
            order_codec.name_parameters(instrument, name),
            account=account,
            write_before_s=write_before_s,
        )
        return verdict.verdict_on_lookup(raw, name) if isinstance(raw, RawReply) else raw

    async def orders_page(
        self,
        account: str,
        endpoint: Endpoint,
        instrument: Instrument,
        *,
        after: str = "",
        begin_ms: int,
        end_ms: int,
        write_before_s: float | None = None,
    ) -> order_list.ListVerdict:
        """Read one page of a list of orders or fills on `instrument`, the newest first.

        `endpoint` is GET_ORDERS_PENDING, which lists all that is pending; GET_ORDERS_HISTORY, what
        was placed from `begin_ms` to `end_ms` of OKX's clock and is finished; or GET_FILLS, what
        was filled then. `after` is what the page before it told.
        """
        query = order_list.page_parameters(
            endpoint, instrument, after=after, begin_ms=begin_ms, end_ms=end_ms
        )
        raw = await self._look(endpoint, query, account=account, write_before_s=write_before_s)
        if not isinstance(raw, RawReply):
            return raw
        return order_list.verdict_on_page(raw, endpoint, instrument, after=after)

    async def _look(
        self,
        endpoint: Endpoint,
        query: Mapping[str, str],
        *,
        account: str,
        write_before_s: float | None,
    ) -> RawReply | verdict.NoEvidence:
        try:
            return await self._requests.send(
                endpoint,
                account=account,
                query=query,
                timeout_s=_LOOK_TIMEOUT_S,
                write_before_s=write_before_s,
            )
        except RequestNotSentError as error:
            return verdict.NoEvidence(str(error), late=error.late)
        except ReplyLostError as error:
            return verdict.NoEvidence(str(error))
