"""What do the endpoints below /account say? Source: OKX docs, 'Trading Account'."""

from okx_simulator.account import Account
from okx_simulator.accounts_file import ApiKey
from okx_simulator.answer import Row
from okx_simulator.endpoint import Call, Rows, reading
from okx_simulator.exchange import Exchange
from okx_simulator.param import words
from okx_simulator.rest_public import instruments

CURRENCIES_MAX = 20


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
        "ip": ",".join(str(network).removesuffix("/32") for network in key.ips) if key else "",
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


def _balance(exchange: Exchange, call: Call) -> Rows:
    only = words(call.params, "ccy", CURRENCIES_MAX)
    return [exchange.balance_row(call.uid, only)]


ENDPOINTS = (
    reading("/account/config", _config),
    reading("/account/instruments", instruments),
    reading("/account/balance", _balance),
)
