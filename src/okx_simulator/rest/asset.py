"""What do the endpoints below /asset say? Source: OKX docs, 'Funding Account'."""

from decimal import Decimal
from hashlib import sha256

from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.number import ZERO, text
from okx_simulator.rest.endpoint import Call, Endpoint, Rows, reading, trading
from okx_simulator.rest.paging import page
from okx_simulator.rest.param import Params, choice, required, text_of, words

_CURRENCIES_MAX = 20
_CHAINS = {
    "BTC": ("BTC-Bitcoin",),
    "ETH": ("ETH-ERC20",),
    "SOL": ("SOL-Solana",),
    "XRP": ("XRP-Ripple",),
    "DOGE": ("DOGE-Dogecoin",),
    "OKB": ("OKB-X Layer",),
    "USDT": ("USDT-TRC20", "USDT-ERC20"),
    "USDC": ("USDC-ERC20",),
}
_NAMES = {
    "BTC": "Bitcoin",
    "ETH": "Ethereum",
    "SOL": "Solana",
    "XRP": "Ripple",
    "DOGE": "Dogecoin",
    "OKB": "OKB",
    "USDT": "Tether",
    "USDC": "USD Coin",
}


def _balances(exchange: Exchange, call: Call) -> Rows:
    wanted = words(call.params, "ccy", _CURRENCIES_MAX)
    funding = exchange.account(call.uid).funding
    return [
        {"availBal": text(held), "bal": text(held), "ccy": ccy, "frozenBal": "0"}
        for ccy, held in funding.items()
        if held and (not wanted or ccy in wanted)
    ]


def _currencies(exchange: Exchange, call: Call) -> Rows:
    wanted = words(call.params, "ccy", _CURRENCIES_MAX)
    return [
        _currency_row(exchange, ccy, chain, is_main=chain == chains[0])
        for ccy, chains in _CHAINS.items()
        if not wanted or ccy in wanted
        for chain in chains
    ]


def _currency_row(exchange: Exchange, ccy: str, chain: str, *, is_main: bool) -> Row:
    """Return the row of 'Get currencies' for one chain; fees are about one USD."""
    unit = round(1 / exchange.market.usd(ccy), 8)
    return {
        "burningFeeRate": "",
        "canDep": False,
        "canInternal": False,
        "canWd": False,
        "ccy": ccy,
        "chain": chain,
        "ctAddr": "",
        "depEstOpenTime": "",
        "depQuotaFixed": "",
        "depQuoteDailyLayer2": "",
        "fee": text(unit),
        "logoLink": "",
        "mainNet": is_main,
        "maxFee": text(unit * 2),
        "maxFeeForCtAddr": "",
        "maxWd": text(unit * 1_000_000),
        "minDep": text(unit),
        "minDepArrivalConfirm": "6",
        "minFee": text(unit),
        "minFeeForCtAddr": "",
        "minInternal": text(unit),
        "minWd": text(unit * 10),
        "minWdUnlockConfirm": "12",
        "name": _NAMES[ccy],
        "needTag": ccy == "XRP",
        "usedDepQuotaFixed": "",
        "usedWdQuota": "0",
        "wdEstOpenTime": "",
        "wdQuota": "10000000",
        "wdTickSz": "8",
    }


def _valuation(exchange: Exchange, call: Call) -> Rows:
    """Answer what everything is worth, in bitcoin unless another currency is asked for."""
    ccy = choice(call.params, "ccy", (*START_USD, "USD"), "BTC")
    account, usd = exchange.account(call.uid), exchange.market.usd
    trading_usd = Decimal(exchange.balance_row(call.uid)["totalEq"])
    funding_usd = sum((held * usd(one) for one, held in account.funding.items()), ZERO)
    unit = usd(ccy)
    return [
        {
            "details": {
                "classic": "0",
                "earn": "0",
                "funding": text(round(funding_usd / unit, 8)),
                "trading": text(round(trading_usd / unit, 8)),
            },
            "totalBal": text(round((funding_usd + trading_usd) / unit, 8)),
            "ts": str(call.now_ms),
        }
    ]


def _transfer(exchange: Exchange, call: Call) -> Rows:
    return [exchange.transfer(call.uid, call.params)]


def _transfer_state(exchange: Exchange, call: Call) -> Rows:
    return [exchange.treasury.state(exchange.account(call.uid), call.params)]


def _bills(exchange: Exchange, call: Call) -> Rows:
    newest_first = [
        bill
        for bill in exchange.treasury.bills(exchange.account(call.uid))
        if all(text_of(call.params, name) in ("", bill[name]) for name in ("ccy", "type"))
    ]
    return page(newest_first, call.params, _bill_ms)


def _bill_ms(bill: Row) -> int:
    return int(bill["ts"])


def _addresses(exchange: Exchange, call: Call) -> Rows:
    """Answer with addresses that no network knows, so that nobody can send anything there."""
    ccy = required(call.params, "ccy")
    if ccy not in _CHAINS:
        raise RefusedError("51000", "ccy")
    uid = exchange.account(call.uid).uid
    return [_address_row(ccy, chain, uid) for chain in _CHAINS[ccy]]


def _address_row(ccy: str, chain: str, uid: str) -> Row:
    digest = sha256(f"{uid}:{chain}".encode()).hexdigest()
    return {
        "addr": f"simulated-{digest[:32]}",
        "ccy": ccy,
        "chain": chain,
        "ctAddr": "",
        "selected": True,
        "to": "6",
        "verifiedName": "",
    }


def _nothing(_exchange: Exchange, _call: Call) -> Rows:
    """Answer lists of deposits and withdrawals, which the simulator does not have."""
    return []


def _refuse_withdrawal(_exchange: Exchange, call: Call) -> Rows:
    """Nothing leaves the simulator, whatever a key may do."""
    _check_withdrawal(call.params)
    raise RefusedError("50038" if call.key and call.key.demo else "58013")


def _check_withdrawal(params: Params) -> None:
    for name in ("ccy", "amt", "dest", "toAddr"):
        required(params, name)


def _refuse_cancel(_exchange: Exchange, call: Call) -> Rows:
    required(call.params, "wdId")
    raise RefusedError("58013")


ENDPOINTS = (
    reading("/asset/balances", _balances),
    reading("/asset/currencies", _currencies),
    reading("/asset/non-tradable-assets", _nothing),
    reading("/asset/asset-valuation", _valuation),
    reading("/asset/transfer-state", _transfer_state),
    reading("/asset/bills", _bills),
    reading("/asset/bills-history", _bills),
    reading("/asset/deposit-address", _addresses),
    reading("/asset/deposit-history", _nothing),
    reading("/asset/withdrawal-history", _nothing),
    trading("/asset/transfer", _transfer),
    trading("/asset/cancel-withdrawal", _refuse_cancel),
    Endpoint("POST", "/api/v5/asset/withdrawal", "withdraw", _refuse_withdrawal),
)
