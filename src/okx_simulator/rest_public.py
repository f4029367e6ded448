"""What do the endpoints below /public say? Pure. Source: OKX docs, 'Public Data'."""

from okx_simulator.answer import Row
from okx_simulator.endpoint import Call, Rows, public
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.instrument import INST_TYPES, Instrument
from okx_simulator.number import text
from okx_simulator.param import Params, choice, required, text_of


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
    return [
        mark_price_row(exchange, instrument)
        for instrument in matching(exchange, call.params)
        if instrument.inst_type != "SPOT"
    ]


def mark_price_row(exchange: Exchange, instrument: Instrument) -> Row:
    """Return the row of 'Get mark price', which the mark-price channel pushes too."""
    return {
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "markPx": text(exchange.market.quote(instrument).mark),
        "ts": str(exchange.market.now_ms),
    }


ENDPOINTS = (
    public("/public/time", _time),
    public("/public/instruments", instruments),
    public("/public/mark-price", _mark_prices),
)
