"""How does what an account holds and does become answers?  Pure."""

from functools import lru_cache

from okx_gateway.api.v1 import balance_pb2, order_event_pb2, order_pb2, ticker_pb2
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.domain.balance_event import BalanceChange, BalanceSnapshot, BalanceStreamEvent
from okx_gateway.domain.market_notice import Heartbeat
from okx_gateway.domain.order import Conflict, NotPlaced, Order, Placed, Refused
from okx_gateway.domain.order_event import (
    Fill,
    NumberedChange,
    OrdersGap,
    OrdersSnapshot,
    OrderStreamEvent,
    Resumed,
    Stale,
)
from okx_gateway.edge.stamp import duration_of, time_of
from okx_gateway.usecases.get_balance import DatedBalance
from okx_gateway.usecases.get_order import OrderAnswer

_CHANGES_KEPT = 2_000


def order_response(account: str, answer: OrderAnswer) -> api.GetOrderResponse:
    """Answer of GetOrder."""
    response = api.GetOrderResponse()
    match answer.outcome:
        case Placed():
            response.outcome = order_pb2.ORDER_OUTCOME_PLACED
        case Refused(code, message):
            response.outcome = order_pb2.ORDER_OUTCOME_REFUSED
            response.okx_code, response.okx_message = code, message
        case NotPlaced():
            response.outcome = order_pb2.ORDER_OUTCOME_NOT_PLACED
        case Conflict() | None:
            response.outcome = order_pb2.ORDER_OUTCOME_IN_DOUBT
    if answer.outcome is None:
        response.resolve_time.FromMilliseconds(answer.resolve_ms)
    if answer.order is not None:
        response.order.CopyFrom(order_message(account, answer.order))
        response.age.CopyFrom(duration_of(answer.age_s()))
    return response


def order_message(account: str, order: Order) -> order_pb2.Order:
    """An order as callers see it."""
    return order_pb2.Order(
        account=account,
        client_order_id=order.client_order_id,
        exchange_order_id=order.exchange_order_id,
        instrument=order.instrument,
        side=order_pb2.Side.Value(f"SIDE_{order.side.name}"),
        state=order_pb2.OrderState.Value(f"ORDER_STATE_{order.state.name}"),
        price=order.price,
        quantity=order.quantity,
        filled_quantity=order.filled_quantity,
        average_price=order.average_price,
        fee=order.fee,
        fee_currency=order.fee_currency,
        tag=order.tag,
        cancel_source=order.cancel_source,
        place_time=time_of(order.place_ms),
        update_time=time_of(order.update_ms),
    )


def balance_response(dated: DatedBalance) -> api.GetBalanceResponse:
    """Answer of GetBalance."""
    return api.GetBalanceResponse(
        balance=_balance(dated.balance),
        age=duration_of(dated.age_s()),
        receive_time=time_of(dated.receive_ms),
    )


def max_age_s(request: api.GetOrderRequest | api.GetBalanceRequest) -> float | None:
    """The greatest age that a checked request takes, in seconds; None where it does not say."""
    return request.max_age.ToNanoseconds() / 1e9 if request.HasField("max_age") else None


def order_event_response(account: str, event: OrderStreamEvent) -> api.StreamOrdersResponse:
    """One event of StreamOrders."""
    match event:
        case NumberedChange():
            return _change_response(account, event)
        case OrdersSnapshot(orders, last, token):
            snapshot = order_event_pb2.OrdersSnapshot(
                orders=[order_message(account, each) for each in orders], last=last
            )
            return api.StreamOrdersResponse(snapshot=snapshot, resume_token=token)
        case OrdersGap(reason, detect_ms):
            value = order_event_pb2.OrdersGapReason.Value(f"ORDERS_GAP_REASON_{reason.name}")
            gap = order_event_pb2.OrdersGap(reason=value, detect_time=time_of(detect_ms))
            return api.StreamOrdersResponse(gap=gap)
        case Stale(detect_ms):
            return api.StreamOrdersResponse(stale=_stale(detect_ms))
        case Resumed(resume_ms):
            return api.StreamOrdersResponse(resumed=_resumed(resume_ms))
        case Heartbeat(send_ms):
            return api.StreamOrdersResponse(heartbeat=_heartbeat(send_ms))


def balance_event_response(event: BalanceStreamEvent) -> api.StreamBalanceResponse:
    """One event of StreamBalance."""
    match event:
        case BalanceSnapshot(balance, receive_ms):
            return api.StreamBalanceResponse(
                balance=_balance(balance), receive_time=time_of(receive_ms)
            )
        case BalanceChange():
            change = balance_pb2.BalanceChange(
                total_equity_usd=event.total_equity_usd,
                adjusted_equity_usd=event.adjusted_equity_usd,
                currencies=map(_currency, event.currencies),
                update_time=time_of(event.update_ms),
            )
            return api.StreamBalanceResponse(change=change, receive_time=time_of(event.receive_ms))
        case Stale(detect_ms):
            return api.StreamBalanceResponse(stale=_stale(detect_ms))
        case Resumed(resume_ms):
            return api.StreamBalanceResponse(resumed=_resumed(resume_ms))
        case Heartbeat(send_ms):
            return api.StreamBalanceResponse(heartbeat=_heartbeat(send_ms))


@lru_cache(maxsize=_CHANGES_KEPT)
def _change_response(account: str, numbered: NumberedChange) -> api.StreamOrdersResponse:
    """Made once for all readers of one change; nobody may change it."""
    change = numbered.change
    return api.StreamOrdersResponse(
        change=order_event_pb2.OrderChange(
            order=order_message(account, change.order),
            fill=_fill(change.fill) if change.fill is not None else None,
            recovered=change.recovered,
            receive_time=time_of(change.receive_ms),
        ),
        resume_token=numbered.token,
    )


def _fill(fill: Fill) -> order_event_pb2.Fill:
    return order_event_pb2.Fill(
        trade_id=fill.trade_id,
        price=fill.price,
        quantity=fill.quantity,
        fee=fill.fee,
        fee_currency=fill.fee_currency,
        liquidity=(
            order_event_pb2.Liquidity.Value(f"LIQUIDITY_{fill.liquidity.name}")
            if fill.liquidity is not None
            else order_event_pb2.LIQUIDITY_UNSPECIFIED
        ),
        fill_time=time_of(fill.fill_ms),
    )


def _balance(balance: Balance) -> balance_pb2.Balance:
    return balance_pb2.Balance(
        total_equity_usd=balance.total_equity_usd,
        adjusted_equity_usd=balance.adjusted_equity_usd,
        currencies=map(_currency, balance.currencies),
        update_time=time_of(balance.update_ms),
    )


def _currency(balance: CurrencyBalance) -> balance_pb2.CurrencyBalance:
    return balance_pb2.CurrencyBalance(
        currency=balance.currency,
        cash=balance.cash,
        available=balance.available,
        frozen=balance.frozen,
        equity=balance.equity,
        equity_usd=balance.equity_usd,
        liability=balance.liability,
        unrealised_profit=balance.unrealised_profit,
        update_time=time_of(balance.update_ms),
    )


def _stale(detect_ms: int) -> order_event_pb2.ChannelStale:
    return order_event_pb2.ChannelStale(detect_time=time_of(detect_ms))


def _resumed(resume_ms: int) -> order_event_pb2.ChannelResumed:
    return order_event_pb2.ChannelResumed(resume_time=time_of(resume_ms))


def _heartbeat(send_ms: int) -> ticker_pb2.Heartbeat:
    return ticker_pb2.Heartbeat(send_time=time_of(send_ms))
