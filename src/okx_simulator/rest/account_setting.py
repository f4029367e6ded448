"""What do the endpoints for leverage, modes and largest sizes below /account say?

Source: OKX docs, 'Trading Account'.
"""

from decimal import Decimal

from okx_simulator.account.account import Account, lever_key
from okx_simulator.account.margin import currencies, shared_available_usd, standing
from okx_simulator.account.position import LONG, NET, SHORT
from okx_simulator.account.valuation import initial_margin
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.number import ONE, ZERO, floor_to, text
from okx_simulator.rest.endpoint import Call, Rows, reading, trading
from okx_simulator.rest.param import amount, choice, required, text_of, words
from okx_simulator.rest.public import named

_NAMES_MAX = 20
_SIZES_MAX = 5
_HEDGED = "long_short_mode"
_SPOT_MODE, _PORTFOLIO_MODE = "1", "4"
_MARGIN_MODES = ("cross", "isolated")
_CURRENCIES = tuple(START_USD)


def _traded(exchange: Exchange, inst_id: str, mode: str) -> Instrument:
    """Return the instrument, the MARGIN one of a pair outside of cash trading.

    Raises:
        RefusedError: 51001, there is no such instrument.
    """
    listing = exchange.market.listing
    found = listing.find(inst_id)
    if found is not None and not found.is_contract and mode != "cash":
        found = listing.find(inst_id, "MARGIN")
    if found is None:
        raise RefusedError("51001")
    return found


def _leverages(exchange: Exchange, call: Call) -> Rows:
    account = exchange.account(call.uid)
    mode = choice(call.params, "mgnMode", _MARGIN_MODES)
    rows: list[Row] = []
    for inst_id in words(call.params, "instId", _NAMES_MAX):
        instrument = _traded(exchange, inst_id, mode)
        for pos_side in _sides(account, instrument):
            lever = account.lever(instrument, mode, pos_side)
            rows.append(_lever_row(inst_id, mode, pos_side, lever))
    if not rows:
        raise RefusedError("50014", "instId")
    return rows


def _sides(account: Account, instrument: Instrument) -> tuple[str, ...]:
    hedged = account.position_mode == _HEDGED and instrument.inst_type in ("SWAP", "FUTURES")
    return (LONG, SHORT) if hedged else (NET,)


def _lever_row(inst_id: str, mode: str, pos_side: str, lever: Decimal) -> Row:
    return {
        "ccy": "",
        "instId": inst_id,
        "lever": text(lever),
        "mgnMode": mode,
        "posSide": pos_side,
    }


def _set_leverage(exchange: Exchange, call: Call) -> Rows:
    account, params = exchange.account(call.uid), call.params
    mode = choice(params, "mgnMode", _MARGIN_MODES)
    lever = amount(params, "lever")
    if lever is None:
        raise RefusedError("50014", "lever")
    inst_id, ccy = text_of(params, "instId"), text_of(params, "ccy")
    if not inst_id and not ccy:
        raise RefusedError("50015", "instId", "ccy")
    if inst_id:
        chosen = [_traded(exchange, inst_id, mode)]
    else:
        pairs = exchange.market.listing.all("MARGIN")
        chosen = [pair for pair in pairs if ccy in (pair.base_ccy, pair.quote_ccy)]
    if not chosen:
        raise RefusedError("51000", "ccy")
    if any(not one.lever or lever > one.lever or lever < ONE for one in chosen):
        raise RefusedError("59102")
    pos_side = choice(params, "posSide", (LONG, SHORT, NET), NET)
    if mode == "isolated" and pos_side not in _sides(account, chosen[0]):
        raise RefusedError("51000", "posSide")
    for instrument in chosen:
        account.levers[lever_key(instrument, mode, pos_side)] = lever
    for position in account.positions.values():
        key = lever_key(position.instrument, position.mgn_mode, position.pos_side)
        position.lever = account.levers.get(key, position.lever)
    row = _lever_row(inst_id, mode, pos_side, lever)
    return [{**row, "posSide": "" if pos_side == NET and not inst_id else pos_side}]


def _set_position_mode(exchange: Exchange, call: Call) -> Rows:
    account = exchange.account(call.uid)
    mode = choice(call.params, "posMode", ("net_mode", _HEDGED))
    if account.level == _SPOT_MODE:
        raise RefusedError("51010")
    if mode == _HEDGED and account.level == _PORTFOLIO_MODE:
        raise RefusedError("51041")
    if mode != account.position_mode:
        _check_idle(account)
    account.position_mode = mode
    return [{"posMode": mode}]


def _set_level(exchange: Exchange, call: Call) -> Rows:
    account = exchange.account(call.uid)
    level = choice(call.params, "acctLv", ("1", "2", "3", "4"))
    if level != account.level:
        _check_idle(account)
    account.level = level
    if level == _PORTFOLIO_MODE:
        account.position_mode = "net_mode"
    return [{"acctLv": level}]


def _check_idle(account: Account) -> None:
    """Modes change only while nothing is open or pending."""
    if account.positions or account.orders.pending or account.algos.live:
        raise RefusedError("59000")


def _change_margin(exchange: Exchange, call: Call) -> Rows:
    return [exchange.change_margin(call.uid, call.params)]


def _available(exchange: Exchange, account: Account, ccy: str) -> Decimal:
    """Return how much of `ccy` may become margin."""
    if account.shares_margin:
        free_usd = shared_available_usd(account, exchange.market.mark, exchange.market.usd)
        return free_usd / exchange.market.usd(ccy)
    return standing(account, ccy, exchange.market.mark).available_equity


def _cash(exchange: Exchange, account: Account, ccy: str) -> Decimal:
    return standing(account, ccy, exchange.market.mark).available_cash


def _max_sizes(exchange: Exchange, call: Call) -> Rows:
    account, params = exchange.account(call.uid), call.params
    mode = choice(params, "tdMode", ("cash", *_MARGIN_MODES))
    px = amount(params, "px")
    rows: list[Row] = []
    for inst_id in words(params, "instId", _SIZES_MAX):
        instrument = _traded(exchange, inst_id, mode)
        quote = exchange.market.quote(instrument)
        if instrument.inst_type == "SPOT" or mode == "cash":
            buying = _cash(exchange, account, instrument.money_ccy) / (px or quote.ask)
            selling = _cash(exchange, account, instrument.base_ccy)
        else:
            lever = amount(params, "leverage") or account.lever(instrument, mode, NET) or ONE
            ccy = choice(params, "ccy", _CURRENCIES, instrument.money_ccy)
            free = _available(exchange, account, ccy)
            buying, selling = (
                free / initial_margin(instrument, ONE, px or price, lever, is_buy=is_buy)
                for is_buy, price in ((True, quote.ask), (False, quote.bid))
            )
        rows.append(
            {
                "ccy": text_of(params, "ccy"),
                "instId": inst_id,
                "maxBuy": text(floor_to(buying, instrument.lot_sz)),
                "maxSell": text(floor_to(selling, instrument.lot_sz)),
            }
        )
    return rows or _missing("instId")


def _max_available(exchange: Exchange, call: Call) -> Rows:
    account, params = exchange.account(call.uid), call.params
    mode = choice(params, "tdMode", ("cash", *_MARGIN_MODES))
    rows: list[Row] = []
    for inst_id in words(params, "instId", _SIZES_MAX):
        instrument = _traded(exchange, inst_id, mode)
        if instrument.inst_type == "SPOT":
            buying = _cash(exchange, account, instrument.quote_ccy)
            selling = _cash(exchange, account, instrument.base_ccy)
        else:
            buying = selling = _available(exchange, account, instrument.money_ccy)
        rows.append({"availBuy": text(buying), "availSell": text(selling), "instId": inst_id})
    return rows or _missing("instId")


def _missing(name: str) -> Rows:
    raise RefusedError("50014", name)


def _max_withdrawals(exchange: Exchange, call: Call) -> Rows:
    account = exchange.account(call.uid)
    wanted = words(call.params, "ccy", _NAMES_MAX)
    rows: list[Row] = []
    for ccy in wanted or currencies(account):
        if ccy not in _CURRENCIES:
            raise RefusedError("51000", "ccy")
        most = text(_cash(exchange, account, ccy))
        row = {"ccy": ccy, "maxWd": most, "maxWdEx": most}
        rows.append({**row, "spotOffsetMaxWd": "", "spotOffsetMaxWdEx": ""})
    return rows


def _max_loans(exchange: Exchange, call: Call) -> Rows:
    """Answer how much may be borrowed to buy and to sell a margin pair."""
    account, mode = exchange.account(call.uid), choice(call.params, "mgnMode", _MARGIN_MODES)
    instrument = _traded(exchange, named(exchange, call.params).inst_id, mode)
    margin_ccy = choice(call.params, "mgnCcy", _CURRENCIES, instrument.quote_ccy)
    free_usd = _available(exchange, account, margin_ccy) * exchange.market.usd(margin_ccy)
    lever = account.lever(instrument, mode, NET)
    rows: list[Row] = []
    for side, ccy in (("buy", instrument.quote_ccy), ("sell", instrument.base_ccy)):
        most = max(ZERO, free_usd * (lever - 1) / exchange.market.usd(ccy))
        rows.append(
            {
                "ccy": ccy,
                "instId": instrument.inst_id,
                "maxLoan": text(round(most, 8)),
                "mgnCcy": margin_ccy,
                "mgnMode": mode,
                "side": side,
            }
        )
    return rows


def _refuse_protection(_exchange: Exchange, call: Call) -> Rows:
    """Market maker protection is for accounts that OKX has allowed it, which none here is."""
    required(call.params, "instFamily")
    raise RefusedError("50030")


ENDPOINTS = (
    reading("/account/leverage-info", _leverages),
    reading("/account/max-size", _max_sizes),
    reading("/account/max-avail-size", _max_available),
    reading("/account/max-withdrawal", _max_withdrawals),
    reading("/account/max-loan", _max_loans),
    reading("/account/mmp-config", _refuse_protection),
    trading("/account/mmp-config", _refuse_protection),
    trading("/account/mmp-reset", _refuse_protection),
    trading("/account/set-leverage", _set_leverage),
    trading("/account/set-position-mode", _set_position_mode),
    trading("/account/set-account-level", _set_level),
    trading("/account/position/margin-balance", _change_margin),
)
