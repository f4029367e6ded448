"""Is this a well-formed order for this account and instrument? Pure.

Source: OKX docs, 'Place order' and 'Get instruments'.
"""

import re
from dataclasses import dataclass
from decimal import Decimal

from okx_simulator.error_code import RefusedError
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.listing import Listing
from okx_simulator.number import is_multiple, rounded
from okx_simulator.order.attached_rule import read_attached
from okx_simulator.order.order import ORDER_TYPES, NewOrder
from okx_simulator.rest.param import Params, amount, choice, flag, required, text_of

CLIENT_ID = re.compile(r"[0-9A-Za-z]{1,32}")
TAG = re.compile(r"[0-9A-Za-z]{1,16}")
_SPOT_MODE, _FUTURES_MODE, _PORTFOLIO_MODE = "1", "2", "4"
_MARKET_TYPES = frozenset({"market", "optimal_limit_ioc"})
STP_MODES = ("cancel_maker", "cancel_taker", "cancel_both")


@dataclass(frozen=True, slots=True)
class AccountMode:
    """The settings of an account that decide what an order must say."""

    level: str
    position_mode: str
    stp_mode: str


def find_instrument(params: Params, listing: Listing, *, by_code: bool) -> Instrument:
    """Return the instrument that an order names: by `instIdCode` on sockets, else by `instId`.

    Raises:
        RefusedError: 50014, the field is empty; 51001, there is no such instrument.
    """
    if by_code:
        code = required(params, "instIdCode")
        found = listing.find_code(int(code)) if code.isascii() and code.isdigit() else None
    else:
        found = listing.find(required(params, "instId"))
    if found is None:
        raise RefusedError("51001")
    return found


def read_order(
    params: Params, mode: AccountMode, listing: Listing, *, by_code: bool = False
) -> NewOrder:
    """Return the order that `params` asks for.

    Raises:
        RefusedError: The code of the first rule that it breaks.
    """
    named = find_instrument(params, listing, by_code=by_code)
    td_mode = choice(params, "tdMode", ("cash", "cross", "isolated", "spot_isolated"))
    instrument = _traded(named, td_mode, mode, listing)
    side = choice(params, "side", ("buy", "sell"))
    ord_type = choice(params, "ordType", ORDER_TYPES)
    _check_type(instrument, ord_type, mode)
    px_type, px = _read_price(params, instrument, ord_type)
    tgt_ccy = _read_target(params, instrument, ord_type, side)
    sz = _read_size(params, instrument, tgt_ccy)
    stp_mode = choice(params, "stpMode", STP_MODES, mode.stp_mode)
    if ord_type == "fok" and stp_mode == "cancel_both":
        raise RefusedError("54036")
    is_market = ord_type in _MARKET_TYPES
    return NewOrder(
        instrument=instrument,
        td_mode=td_mode,
        side=side,
        ord_type=ord_type,
        sz=sz,
        px=px,
        pos_side=_read_pos_side(params, instrument, mode),
        margin_ccy=_read_margin_ccy(params, instrument, td_mode, mode),
        cl_ord_id=read_word(params, "clOrdId", CLIENT_ID),
        tag=read_word(params, "tag", TAG),
        tgt_ccy=tgt_ccy,
        reduce_only=_read_reduce_only(params, instrument, mode),
        ban_amend=flag(params, "banAmend"),
        px_amend=choice(params, "pxAmendType", ("0", "1"), "0") == "1",
        stp_mode=stp_mode,
        px_type=px_type,
        px_usd=text_of(params, "pxUsd") if px_type == "pxUsd" else "",
        px_vol=text_of(params, "pxVol") if px_type == "pxVol" else "",
        trade_quote_ccy=_read_trade_quote(params, instrument),
        attached=read_attached(params, side, sz, None if is_market else px),
    )


def check_size(instrument: Instrument, sz: Decimal) -> None:
    """Check a quantity against the instrument's lot and minimum.

    Raises:
        RefusedError: 51020 or 51007, too small; 51121, not a multiple of the lot.
    """
    if sz < instrument.min_sz:
        raise RefusedError("51007" if instrument.is_contract else "51020")
    if not is_multiple(sz, instrument.lot_sz):
        raise RefusedError("51121")


def check_price(instrument: Instrument, px: Decimal) -> Decimal:
    """Return the price on the instrument's grid.

    Raises:
        RefusedError: 51150, it is finer than the tick. An option's price is rounded instead.
    """
    if is_multiple(px, instrument.tick_sz):
        return px
    if instrument.inst_type == "OPTION":
        return rounded(float(px), instrument.tick_sz)
    raise RefusedError("51150")


def _traded(named: Instrument, td_mode: str, mode: AccountMode, listing: Listing) -> Instrument:
    """Return SPOT or MARGIN for a pair, and check the trade mode against the account's."""
    if td_mode == "spot_isolated":
        raise RefusedError("51010")
    if td_mode == "isolated" and mode.level not in (_SPOT_MODE, _FUTURES_MODE):
        raise RefusedError("50072")
    if named.is_contract:
        if td_mode == "cash" and not (named.inst_type == "OPTION" and mode.level == _SPOT_MODE):
            raise RefusedError("51000", "tdMode")
        if td_mode != "cash" and mode.level == _SPOT_MODE:
            raise RefusedError("51010")
        return named
    if td_mode == "cash" or mode.level not in (_SPOT_MODE, _FUTURES_MODE):
        return named
    margin = listing.find(named.inst_id, "MARGIN")
    if mode.level == _SPOT_MODE or margin is None:
        raise RefusedError("51010")
    return margin


def _check_type(instrument: Instrument, ord_type: str, mode: AccountMode) -> None:
    is_option = instrument.inst_type == "OPTION"
    if ord_type == "market" and is_option:
        raise RefusedError("51066")
    if ord_type.startswith("mmp") and not (is_option and mode.level == _PORTFOLIO_MODE):
        raise RefusedError("51036")
    if ord_type == "optimal_limit_ioc" and instrument.inst_type not in ("FUTURES", "SWAP"):
        raise RefusedError("51000", "ordType")


def _read_price(
    params: Params, instrument: Instrument, ord_type: str
) -> tuple[str, Decimal | None]:
    """Return the kind of price (options only) and the price; pxUsd and pxVol stay unconverted."""
    if ord_type in _MARKET_TYPES:
        return "", None
    if instrument.inst_type == "OPTION":
        given = [name for name in ("px", "pxUsd", "pxVol") if text_of(params, name)]
        if not given:
            raise RefusedError("51175", "px", "pxUsd", "pxVol")
        if len(given) > 1:
            raise RefusedError("51176", "px", "pxUsd", "pxVol")
        px = amount(params, given[0])
        return given[0], check_price(instrument, px) if px and given == ["px"] else px
    px = amount(params, "px")
    if px is None:
        raise RefusedError("51204")
    return "", check_price(instrument, px)


def _read_target(params: Params, instrument: Instrument, ord_type: str, side: str) -> str:
    """Return what `sz` counts at market: quote_ccy or base_ccy; "" where it goes without saying."""
    if ord_type != "market" or instrument.is_contract:
        return ""
    default = "quote_ccy" if side == "buy" else "base_ccy"
    if instrument.inst_type == "MARGIN":
        return default
    return choice(params, "tgtCcy", ("base_ccy", "quote_ccy"), default)


def _read_size(params: Params, instrument: Instrument, tgt_ccy: str) -> Decimal:
    required(params, "sz")
    sz = amount(params, "sz")
    if sz is None:
        raise RefusedError("51000", "sz")
    if tgt_ccy != "quote_ccy":
        check_size(instrument, sz)
    return sz


def _read_pos_side(params: Params, instrument: Instrument, mode: AccountMode) -> str:
    pos_side = text_of(params, "posSide")
    if not instrument.is_contract:
        return "net" if instrument.inst_type == "MARGIN" else ""
    hedged = mode.position_mode == "long_short_mode" and instrument.inst_type != "OPTION"
    if hedged and pos_side not in ("long", "short"):
        raise RefusedError("51000", "posSide")
    if not hedged and pos_side not in ("", "net"):
        raise RefusedError("51000", "posSide")
    return pos_side or "net"


def _read_margin_ccy(
    params: Params, instrument: Instrument, td_mode: str, mode: AccountMode
) -> str:
    """Return the currency of the margin: chosen for MARGIN, else what the contract settles in."""
    if td_mode == "cash":
        return ""
    if instrument.inst_type != "MARGIN":
        return instrument.settle_ccy
    allowed = (instrument.base_ccy, instrument.quote_ccy)
    if td_mode == "cross" and mode.level != _FUTURES_MODE:
        return choice(params, "ccy", allowed, instrument.quote_ccy)
    return choice(params, "ccy", allowed)


def _read_reduce_only(params: Params, instrument: Instrument, mode: AccountMode) -> bool:
    """Return the flag; it says nothing about cash trades and is implied in long/short mode."""
    wanted = flag(params, "reduceOnly")
    if instrument.inst_type == "SPOT" or mode.position_mode == "long_short_mode":
        return False
    return wanted


def read_word(params: Params, name: str, pattern: re.Pattern[str]) -> str:
    """Return an id that the caller chose, "" where there is none.

    Raises:
        RefusedError: 51000, it does not match the pattern.
    """
    word = text_of(params, name)
    if word and not pattern.fullmatch(word):
        raise RefusedError("51000", name)
    return word


def _read_trade_quote(params: Params, instrument: Instrument) -> str:
    if instrument.inst_type != "SPOT":
        return ""
    return choice(params, "tradeQuoteCcy", (instrument.quote_ccy,), instrument.quote_ccy)
