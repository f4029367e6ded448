"""May this account place this order now? Pure: looks at balances, positions and prices.

Source: OKX docs, 'Place order', 'Get instruments', and 'General Info' (caps of pending orders).
"""

from collections.abc import Callable
from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.account.account import Account, position_key
from okx_simulator.account.margin import need, spendable
from okx_simulator.error_code import RefusedError
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.option_price import price_at_volatility
from okx_simulator.market.quote import Quote
from okx_simulator.market.tier import size_max
from okx_simulator.number import ONE, ZERO, floor_to, text
from okx_simulator.order.order import NewOrder, Order
from okx_simulator.order.rule import check_price

PENDING_MAX = 4_000
PENDING_PER_INSTRUMENT_MAX = 500
LIMIT_VALUE_MAX_USD = Decimal(20_000_000)
MARKET_VALUE_MAX_USD = Decimal(1_000_000)
# A market order that falls short of funds by less than this share is made smaller.
_SHRINK = Decimal("0.05")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What admission sees of the market."""

    quote: Callable[[Instrument], Quote]
    usd: Callable[[str], Decimal]
    now_ms: int

    def mark(self, instrument: Instrument) -> Decimal:
        """Return the mark price."""
        return self.quote(instrument).mark


def priced(asked: NewOrder, around: Surroundings) -> Decimal | None:
    """Return the limit price in the book's terms, moved into the price band if that was asked.

    Raises:
        RefusedError: 51006, it is outside the band; 51122, it is below one tick.
    """
    if asked.px is None:
        return None
    px = in_coins(asked.instrument, asked.px_type, asked.px, around)
    quote = around.quote(asked.instrument)
    return in_band(asked.instrument, px, quote, is_buy=asked.is_buy, may_move=asked.px_amend)


def in_coins(instrument: Instrument, px_type: str, px: Decimal, around: Surroundings) -> Decimal:
    """Return an option's price in coins, given in USD or as a volatility; others as they are."""
    index = around.quote(instrument).index
    if px_type == "pxUsd":
        return check_price(instrument, px / index)
    if px_type == "pxVol":
        left_ms = instrument.expiry_ms - around.now_ms
        return check_price(instrument, price_at_volatility(instrument, index, px, left_ms))
    return px


def in_band(
    instrument: Instrument, px: Decimal, quote: Quote, *, is_buy: bool, may_move: bool
) -> Decimal:
    """Return the price, moved to the best one allowed if it `may_move`.

    Raises:
        RefusedError: 51006, it is outside the band; 51122, it is below one tick.
    """
    if px < instrument.tick_sz:
        raise RefusedError("51122", text(instrument.tick_sz))
    best = quote.highest_buy if is_buy else quote.lowest_sell
    if px <= best if is_buy else px >= best:
        return px
    if may_move:
        return best
    raise RefusedError("51006", text(quote.highest_buy), text(quote.lowest_sell))


def admit(account: Account, order: Order, px: Decimal, around: Surroundings) -> None:
    """Let the order pass, and freeze what it needs if it is filled at `px` or better.

    Raises:
        RefusedError: The code of the first check that it fails; nothing was frozen.
    """
    client_id = order.asked.cl_ord_id
    if client_id and account.orders.is_client_id_pending(client_id):
        raise RefusedError("51016")
    _check_counts(account, order)
    check_size_max(order, around)
    _check_closing(account, order)
    _check_position_max(account, order)
    freeze(account, order, px, around, "51008")


def freeze(
    account: Account, order: Order, px: Decimal, around: Surroundings, refusal_code: str
) -> None:
    """Freeze what the rest of the order needs if it is filled at `px` or better.

    Raises:
        RefusedError: `refusal_code`, there is not enough; what was frozen before stays so.
    """
    ccy, wanted = need(account, order, px)
    if not wanted:
        account.freeze(order, ccy, ZERO)
        return
    free = spendable(account, order, ccy, around.mark, around.usd)
    if wanted > free and _may_shrink(order) and wanted * (ONE - _SHRINK) <= free:
        _shrink(order, free, wanted)
        wanted = free
    if wanted > free:
        raise RefusedError(refusal_code, ccy)
    account.freeze(order, ccy, wanted)


def _may_shrink(order: Order) -> bool:
    is_market_pair = order.asked.ord_type == "market" and order.instrument.inst_type == "SPOT"
    return is_market_pair and not order.asked.ban_amend


def _shrink(order: Order, free: Decimal, wanted: Decimal) -> None:
    smaller = order.sz * free / wanted
    step = Decimal("0.00000001") if order.asked.counts_quote else order.instrument.lot_sz
    order.sz = floor_to(smaller, step)


def _check_counts(account: Account, order: Order) -> None:
    pending = account.orders.pending
    if len(pending) >= PENDING_MAX:
        raise RefusedError("51174", account.uid, PENDING_MAX)
    if account.orders.pending_count(order.instrument.inst_id) >= PENDING_PER_INSTRUMENT_MAX:
        raise RefusedError("51102", PENDING_PER_INSTRUMENT_MAX)


def check_size_max(order: Order, around: Surroundings) -> None:
    """Check an order against the largest size and value that the instrument allows.

    Raises:
        RefusedError: 51101, 51202, 51005, 51201 or 51203, it is larger.
    """
    instrument = order.instrument
    is_market = order.px is None
    if instrument.is_contract:
        most = instrument.max_mkt_sz if is_market else instrument.max_lmt_sz
        if order.sz > most:
            raise RefusedError("51202") if is_market else RefusedError("51101", text(most))
        return
    if not order.asked.counts_quote and order.sz > instrument.max_lmt_sz:
        raise RefusedError("51005")
    px = order.px or around.quote(instrument).ask
    money = order.sz if order.asked.counts_quote else order.sz * px
    value_usd = money * around.usd(instrument.quote_ccy)
    if is_market and value_usd > MARKET_VALUE_MAX_USD:
        raise RefusedError("51201", f"{MARKET_VALUE_MAX_USD} USD")
    if value_usd > LIMIT_VALUE_MAX_USD:
        raise RefusedError("51203", f"{LIMIT_VALUE_MAX_USD} USD")


def _check_closing(account: Account, order: Order) -> None:
    """An order that may only close needs a position to close."""
    asked = order.asked
    position = account.positions.get(position_key(order))
    if asked.pos_side in ("long", "short"):
        if (asked.pos_side == "long") == asked.is_buy:
            return
        if position is None:
            raise RefusedError("51169")
        if order.left > abs(position.sz) - account.closing_size(order):
            raise RefusedError("51112")
    elif asked.reduce_only:
        if position is None:
            raise RefusedError("51169")
        if not position.closable(is_buy=asked.is_buy):
            raise RefusedError("51170")


def _check_position_max(account: Account, order: Order) -> None:
    instrument = order.instrument
    if not instrument.lever or order.asked.reduce_only or order.asked.counts_quote:
        return
    position = account.positions.get(position_key(order))
    held = position.sz if position else ZERO
    after = abs(held + order.sz) if order.asked.is_buy else abs(held - order.sz)
    most = size_max(instrument, order.lever)
    if after > most and after > abs(held):
        raise RefusedError("51004", instrument.inst_id, text(most))
