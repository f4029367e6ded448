"""What do the reading endpoints below /account say? Source: OKX docs, 'Trading Account'."""

from okx_simulator.account.account import Account
from okx_simulator.account.accounts_file import ApiKey
from okx_simulator.account.balance_row import rest_row
from okx_simulator.account.position import Position
from okx_simulator.account.position_row import closed_row, position_row
from okx_simulator.account.valuation import FEE_RATES, worth
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.exchange import Exchange
from okx_simulator.market.instrument import DERIVATIVES, INST_TYPES
from okx_simulator.number import text
from okx_simulator.order.aftermath import prices_of
from okx_simulator.order.history import ARCHIVE_KEPT_MS, HISTORY_KEPT_MS
from okx_simulator.order.row import cents
from okx_simulator.rest.endpoint import Answer, Call, Rows, reading
from okx_simulator.rest.paging import page
from okx_simulator.rest.param import Params, choice, text_of, words
from okx_simulator.rest.public import instruments

_CURRENCIES_MAX = 20
_POSITION_IDS_MAX = 20
_PORTFOLIO_MODE = "4"
_BILL_FILTERS = ("instType", "instId", "ccy", "mgnMode", "type", "subType")


def _config(exchange: Exchange, call: Call) -> Rows:
    return [config_row(exchange.account(call.uid), call.key)]


def config_row(account: Account, key: ApiKey | None) -> Row:
    """Return the row of 'Get account configuration' as the holder of `key` sees it."""
    settings = account.settings
    return {
        "acctLv": account.level,
        "acctStpMode": settings.stp_mode,
        "autoLoan": False,
        "ctIsoMode": "automatic",
        "enableSpotBorrow": False,
        "feeType": "0",
        "greeksType": "PA",
        "ip": ",".join(_address(str(network)) for network in key.ips) if key else "",
        "kycLv": "3",
        "label": key.label if key else "",
        "level": "Lv1",
        "levelTmp": "",
        "liquidationGear": "-1",
        "mainUid": account.main_uid,
        "mgnIsoMode": "automatic",
        "opAuth": "0",
        "perm": ",".join(key.permissions) if key else "",
        "posMode": account.position_mode,
        "roleType": "0",
        "settleCcy": "USDC",
        "settleCcyList": ["USD", "USDC"],
        "spotBorrowAutoRepay": False,
        "spotOffsetType": "",
        "spotRoleType": "0",
        "spotTraderInsts": [],
        "stgyType": "0",
        "traderInsts": [],
        "type": "0" if account.main_uid == account.uid else "1",
        "uid": account.uid,
    }


def _address(network: str) -> str:
    """Return a network of one address as that address."""
    return network.removesuffix("/32").removesuffix("/128")


def _balance(exchange: Exchange, call: Call) -> Rows:
    only = words(call.params, "ccy", _CURRENCIES_MAX)
    return [rest_row(exchange.balance_row(call.uid, only))]


def _positions(exchange: Exchange, call: Call) -> Rows:
    account, params = exchange.account(call.uid), call.params
    ids = words(params, "posId", _POSITION_IDS_MAX)
    names = words(params, "instId", _POSITION_IDS_MAX)
    return [
        position_row(position, prices_of(exchange.desk, account, position), call.now_ms)
        for position in account.positions.values()
        if text_of(params, "instType") in ("", position.instrument.inst_type)
        and (not names or position.instrument.inst_id in names)
        and (not ids or str(position.pos_id) in ids)
    ]


def _past_positions(exchange: Exchange, call: Call) -> Rows:
    account, params = exchange.account(call.uid), call.params
    fitting = [
        (position, kind)
        for position, kind in reversed(account.closed_positions)
        if text_of(params, "instType") in ("", position.instrument.inst_type)
        and text_of(params, "instId") in ("", position.instrument.inst_id)
        and text_of(params, "mgnMode") in ("", position.mgn_mode)
        and text_of(params, "type") in ("", kind)
        and text_of(params, "posId") in ("", str(position.pos_id))
    ]
    return [closed_row(position, kind) for position, kind in page(fitting, params, _closed_ms)]


def _closed_ms(closed: tuple[Position, str]) -> int:
    return closed[0].updated_ms


def _risk(exchange: Exchange, call: Call) -> Rows:
    """Answer 'Get account and position risk'."""
    account = exchange.account(call.uid)
    balance = exchange.balance_row(call.uid)
    wanted = text_of(call.params, "instType")
    return [
        {
            "adjEq": balance["adjEq"],
            "balData": [
                {name: detail[name] for name in ("ccy", "eq", "disEq")}
                for detail in balance["details"]
            ],
            "posData": [
                _risk_row(exchange, position)
                for position in account.positions.values()
                if wanted in ("", position.instrument.inst_type)
            ],
            "ts": str(call.now_ms),
        }
    ]


def _risk_row(exchange: Exchange, position: Position) -> Row:
    mark = exchange.mark(position.instrument)
    held = position.in_ccy(worth(position.instrument, abs(position.sz), mark), mark)
    return {
        "baseBal": "",
        "ccy": position.ccy,
        "instId": position.instrument.inst_id,
        "instType": position.instrument.inst_type,
        "mgnMode": position.mgn_mode,
        "notionalCcy": text(held),
        "notionalUsd": text(cents(held * exchange.market.usd(position.ccy))),
        "pos": text(position.sz),
        "posCcy": "",
        "posId": str(position.pos_id),
        "posSide": position.pos_side,
        "quoteBal": "",
    }


def _bills(kept_ms: int) -> Answer:
    def answer(exchange: Exchange, call: Call) -> Rows:
        oldest_ms = call.now_ms - kept_ms
        newest_first = [
            bill
            for bill in reversed(exchange.account(call.uid).bills)
            if int(bill["ts"]) >= oldest_ms and _bill_fits(bill, call.params)
        ]
        return page(newest_first, call.params, _bill_id, time_ms=_bill_ms)

    return answer


def _bill_fits(bill: Row, params: Params) -> bool:
    return all(text_of(params, name) in ("", bill[name]) for name in _BILL_FILTERS)


def _bill_id(bill: Row) -> int:
    return int(bill["billId"])


def _bill_ms(bill: Row) -> int:
    return int(bill["ts"])


def _fees(_exchange: Exchange, call: Call) -> Rows:
    inst_type = choice(call.params, "instType", INST_TYPES)
    taker, maker = (text(-rate) for rate in FEE_RATES[inst_type])
    is_derivative = inst_type in DERIVATIVES
    return [
        {
            "category": "1",
            "delivery": "-0.0002" if inst_type == "FUTURES" else "",
            "exercise": "-0.0002" if inst_type == "OPTION" else "",
            "feeGroup": [{"groupId": group, "maker": maker, "taker": taker} for group in "12"],
            "fiat": [],
            "instType": inst_type,
            "level": "Lv1",
            "maker": maker,
            "makerU": maker if is_derivative else "",
            "makerUSDC": maker,
            "ruleType": "normal",
            "settle": "",
            "taker": taker,
            "takerU": taker if is_derivative else "",
            "takerUSDC": taker,
            "ts": str(call.now_ms),
        }
    ]


def _risk_state(exchange: Exchange, call: Call) -> Rows:
    if exchange.account(call.uid).level != _PORTFOLIO_MODE:
        raise RefusedError("51010")
    return [{"atRisk": False, "atRiskIdx": [], "atRiskMgn": [], "ts": str(call.now_ms)}]


ENDPOINTS = (
    reading("/account/config", _config),
    reading("/account/instruments", instruments),
    reading("/account/balance", _balance),
    reading("/account/positions", _positions),
    reading("/account/positions-history", _past_positions),
    reading("/account/account-position-risk", _risk),
    reading("/account/bills", _bills(HISTORY_KEPT_MS)),
    reading("/account/bills-archive", _bills(ARCHIVE_KEPT_MS)),
    reading("/account/trade-fee", _fees),
    reading("/account/risk-state", _risk_state),
)
