"""What do the endpoints below /public say? Pure. Source: OKX docs, 'Public Data'."""

from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.book import typical_lots
from okx_simulator.market.candle import in_currencies
from okx_simulator.market.funding import PERIOD_MS, funding_row, past_row
from okx_simulator.market.instrument import DERIVATIVES, INST_TYPES, Instrument
from okx_simulator.market.option_row import option_row
from okx_simulator.market.tier import Tier, tiers
from okx_simulator.number import text
from okx_simulator.rest.endpoint import Call, Rows, public
from okx_simulator.rest.paging import page
from okx_simulator.rest.param import Params, choice, required, text_of, words

_FUNDING_HISTORY_MAX = 400
_FAMILIES_MAX = 5
# How many levels' worth of contracts are held on an instrument.
_OPEN_INTEREST_LEVELS = 5_000


def named(exchange: Exchange, params: Params) -> Instrument:
    """Return the instrument that `instId` names.

    Raises:
        RefusedError: 50014, the field is empty; 51001, there is no such instrument.
    """
    found = exchange.market.listing.find(required(params, "instId"))
    if found is None:
        raise RefusedError("51001")
    return found


def matching(exchange: Exchange, params: Params) -> list[Instrument]:
    """Return the instruments that `instType`, `instFamily` (or `uly`) and `instId` let through.

    Raises:
        RefusedError: 50014, there is no type; 51000, it is unknown; 51001, there is no such
            instrument.
    """
    inst_type = choice(params, "instType", (*INST_TYPES, "EVENTS"))
    family = text_of(params, "instFamily") or text_of(params, "uly")
    inst_id = text_of(params, "instId")
    found = exchange.market.listing.all(inst_type, family)
    if not inst_id:
        return found
    chosen = [instrument for instrument in found if instrument.inst_id == inst_id]
    if not chosen:
        raise RefusedError("51001")
    return chosen


def instruments(exchange: Exchange, call: Call) -> Rows:
    """Answer 'Get instruments'; options only by family."""
    is_option = text_of(call.params, "instType") == "OPTION"
    if is_option and not (text_of(call.params, "instFamily") or text_of(call.params, "uly")):
        raise RefusedError("50015", "uly", "instFamily")
    return [instrument.row() for instrument in matching(exchange, call.params)]


def _time(_exchange: Exchange, call: Call) -> Rows:
    return [{"ts": str(call.now_ms)}]


def _mark_prices(exchange: Exchange, call: Call) -> Rows:
    # A name without a type is enough, unlike what the page says: ccxt asks so.
    by_name_only = not text_of(call.params, "instType") and text_of(call.params, "instId")
    found = [named(exchange, call.params)] if by_name_only else matching(exchange, call.params)
    return [
        {
            "instId": instrument.inst_id,
            "instType": instrument.inst_type,
            "markPx": text(exchange.mark(instrument)),
            "ts": str(exchange.market.now_ms),
        }
        for instrument in found
        if by_name_only or instrument.inst_type != "SPOT"
    ]


def _perpetual(exchange: Exchange, params: Params) -> Instrument:
    instrument = named(exchange, params)
    if instrument.inst_type != "SWAP":
        raise RefusedError("51000", "instId")
    return instrument


def _funding(exchange: Exchange, call: Call) -> Rows:
    if text_of(call.params, "instId") == "ANY":
        swaps = exchange.market.listing.all("SWAP")
    else:
        swaps = [_perpetual(exchange, call.params)]
    return [funding_row(exchange.market, swap) for swap in swaps]


def _past_funding(exchange: Exchange, call: Call) -> Rows:
    instrument, newest = _perpetual(exchange, call.params), call.now_ms // PERIOD_MS
    times_ms = [(newest - back) * PERIOD_MS for back in range(_FUNDING_HISTORY_MAX)]
    chosen = page(times_ms, call.params, int, limit_max=_FUNDING_HISTORY_MAX)
    return [past_row(exchange.market, instrument, at_ms) for at_ms in chosen]


def _open_interest(exchange: Exchange, call: Call) -> Rows:
    choice(call.params, "instType", DERIVATIVES)
    return [_interest_row(exchange, one) for one in matching(exchange, call.params)]


def _interest_row(exchange: Exchange, instrument: Instrument) -> Row:
    lots = typical_lots(instrument) * _OPEN_INTEREST_LEVELS
    held = lots * instrument.lot_sz
    index = exchange.market.quote(instrument).index
    base, _ = in_currencies(instrument, held, index)
    return {
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "oi": text(held),
        "oiCcy": text(base),
        "oiUsd": text(round(base * exchange.market.usd(instrument.base_ccy), 2)),
        "ts": str(exchange.market.now_ms),
    }


def _price_limit(exchange: Exchange, call: Call) -> Rows:
    instrument = named(exchange, call.params)
    quote = exchange.market.quote(instrument)
    return [
        {
            "buyLmt": text(quote.highest_buy),
            "enabled": True,
            "instId": instrument.inst_id,
            "instType": instrument.inst_type,
            "sellLmt": text(quote.lowest_sell),
            "ts": str(exchange.market.now_ms),
        }
    ]


def _tiers(exchange: Exchange, call: Call) -> Rows:
    inst_type = choice(call.params, "instType", ("MARGIN", *DERIVATIVES))
    choice(call.params, "tdMode", ("cross", "isolated"))
    families = words(call.params, "instFamily", _FAMILIES_MAX)
    families = families or words(call.params, "uly", _FAMILIES_MAX)
    inst_id, tier = text_of(call.params, "instId"), text_of(call.params, "tier")
    if not families and not inst_id:
        raise RefusedError("50015", "instFamily", "instId")
    wanted = [
        instrument
        for instrument in exchange.market.listing.all(inst_type)
        if instrument.inst_family in families or instrument.inst_id == inst_id
    ]
    # Tiers belong to a family: one of its instruments stands for all.
    first = {instrument.inst_family: instrument for instrument in reversed(wanted)}
    return [
        _tier_row(instrument, one)
        for instrument in first.values()
        for one in tiers(instrument)
        if tier in ("", str(one.number))
    ]


def _tier_row(instrument: Instrument, tier: Tier) -> Row:
    is_margin = instrument.inst_type == "MARGIN"
    return {
        "baseMaxLoan": text(tier.max_sz) if is_margin else "",
        "imr": text(round(tier.imr, 6)),
        "instFamily": instrument.inst_family,
        "instId": instrument.inst_id if is_margin else "",
        "maxLever": text(tier.lever_max),
        "maxSz": text(tier.max_sz),
        "minSz": text(tier.min_sz),
        "mmr": text(tier.mmr),
        "optMgnFactor": "0",
        "quoteMaxLoan": text(tier.max_usd) if is_margin else "",
        "tier": str(tier.number),
        "uly": instrument.inst_family,
    }


def _underlyings(exchange: Exchange, call: Call) -> Rows:
    inst_type = choice(call.params, "instType", DERIVATIVES)
    found = exchange.market.listing.all(inst_type)
    return [list(dict.fromkeys(instrument.inst_family for instrument in found))]


def _option_summary(exchange: Exchange, call: Call) -> Rows:
    family = text_of(call.params, "instFamily") or required(call.params, "uly")
    wanted = text_of(call.params, "expTime")
    return [
        option_row(exchange.market, instrument)
        for instrument in exchange.market.listing.all("OPTION", family)
        if instrument.inst_id.split("-")[2].startswith(wanted)
    ]


def _status(exchange: Exchange, call: Call) -> Rows:
    state = text_of(call.params, "state")
    return [row for row in exchange.maintenance if state in ("", row["state"])]


ENDPOINTS = (
    public("/public/time", _time),
    public("/public/instruments", instruments),
    public("/public/mark-price", _mark_prices),
    public("/public/funding-rate", _funding),
    public("/public/funding-rate-history", _past_funding),
    public("/public/open-interest", _open_interest),
    public("/public/price-limit", _price_limit),
    public("/public/position-tiers", _tiers),
    public("/public/underlying", _underlyings),
    public("/public/opt-summary", _option_summary),
    public("/system/status", _status),
)
