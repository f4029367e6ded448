"""Orders, instruments and accounts as most tests want them."""

from dataclasses import replace
from decimal import Decimal
from typing import Any

from okx_gateway.domain.account import Account
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import (
    Limit,
    NewOrder,
    Side,
    TimeInForce,
    TradeMode,
)

NET = Account("main", "live:1", long_short=False)
LONG_SHORT = Account("main", "live:1", long_short=True)


def an_order(client_order_id: str = "a1", **changes: Any) -> NewOrder:
    """A limit order on BTC-USDT that breaks no rule."""
    order = NewOrder(
        account="main",
        client_order_id=client_order_id,
        instrument="BTC-USDT",
        side=Side.BUY,
        trade_mode=TradeMode.CASH,
        quantity=Decimal("0.5"),
        kind=Limit(Decimal("30000.1"), TimeInForce.GOOD_TILL_CANCELLED),
    )
    return replace(order, **changes)


_NAMES = {
    InstrumentType.SPOT: ("BTC-USDT", ""),
    InstrumentType.MARGIN: ("BTC-USDT", ""),
    InstrumentType.SWAP: ("BTC-USDT-SWAP", "BTC-USDT"),
    InstrumentType.FUTURES: ("BTC-USD-261225", "BTC-USD"),
    InstrumentType.OPTION: ("BTC-USD-261225-60000-C", "BTC-USD"),
}


def an_instrument(kind: InstrumentType = InstrumentType.SPOT, **changes: Any) -> Instrument:
    """An instrument with a tick of 0.1, a lot of 0.01 and quantities from 0.02 to 100."""
    name, family = _NAMES[kind]
    instrument = Instrument(
        name=name,
        type=kind,
        family=family,
        tick=Decimal("0.1"),
        lot=Decimal("0.01"),
        minimum=Decimal("0.02"),
        maximum_limit=Decimal(100),
        maximum_market=Decimal(50),
        tradable=True,
    )
    return replace(instrument, **changes)
