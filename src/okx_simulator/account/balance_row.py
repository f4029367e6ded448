"""How does OKX show the balances of an account? Pure.

Source: OKX docs, 'Get balance' and 'Account channel', with the table of which field applies in
which account mode. Every documented key is present, "" where it does not apply.
"""

from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.margin import Marks, Standing, Usd, currencies, standing
from okx_simulator.answer import Row
from okx_simulator.number import ZERO, text
from okx_simulator.order.row import cents

# Account modes in which a field applies. Fields not named here apply in all.
_ACCOUNT_FIELDS = {
    "isoEq": "234",
    "adjEq": "134",
    "availEq": "34",
    "ordFroz": "134",
    "imr": "134",
    "mmr": "134",
    "borrowFroz": "134",
    "mgnRatio": "134",
    "notionalUsd": "134",
    "notionalUsdForSwap": "34",
    "notionalUsdForFutures": "34",
    "notionalUsdForOption": "134",
    "notionalUsdForBorrow": "134",
    "upl": "34",
}
_CURRENCY_FIELDS = {
    "isoEq": "234",
    "availEq": "234",
    "disEq": "134",
    "liab": "134",
    "upl": "234",
    "uplLiab": "34",
    "crossLiab": "134",
    "isoLiab": "34",
    "mgnRatio": "2",
    "interest": "134",
    "twap": "134",
    "maxLoan": "134",
    "borrowFroz": "134",
    "notionalLever": "2",
    "isoUpl": "234",
    "spotInUseAmt": "4",
    "spotIsoBal": "12",
    "imr": "2",
    "mmr": "2",
}
_NEVER = dict.fromkeys(
    (
        *("autoLendMtAmt", "clSpotInUseAmt", "colRes", "maxSpotInUseAmt"),
        *("accAvgPx", "openAvgPx", "spotUpl", "spotUplRatio", "totalPnl", "totalPnlRatio"),
        "fixedBal",
    ),
    "",
)


def balance_row(
    account: Account, marks: Marks, usd: Usd, now_ms: int, only: tuple[str, ...] = ()
) -> Row:
    """Return the data of the account channel, its details for the currencies in `only`.

    An empty `only` stands for all currencies, which the totals are over in any case.
    """
    owned = currencies(account)
    stands = {ccy: standing(account, ccy, marks) for ccy in owned}
    shown = [ccy for ccy in owned if not only or ccy in only]
    row = _totals(account, stands, usd, now_ms)
    row["details"] = [
        currency_row(account, ccy, stands[ccy], usd(ccy))
        for ccy in shown
        if stands[ccy].cash or stands[ccy].equity
    ]
    return row


def rest_row(row: Row) -> Row:
    """Return the row of 'Get balance', which names one field otherwise than the channel does."""
    details = [
        {
            ("maxSpotInUse" if name == "maxSpotInUseAmt" else name): value
            for name, value in one.items()
        }
        for one in row["details"]
    ]
    return {**row, "details": details}


def currency_row(account: Account, ccy: str, stand: Standing, usd: Decimal) -> Row:
    """Return one element of `details`."""
    row = {
        **_NEVER,
        "autoLendStatus": "off",
        "availBal": text(stand.available_cash),
        "availEq": text(stand.available_equity),
        "borrowFroz": "0",
        "cashBal": text(stand.cash),
        "ccy": ccy,
        "coinUsdPrice": text(usd),
        "colBorrAutoConversion": "0",
        "collateralEnabled": False,
        "collateralRestrict": False,
        "crossLiab": "0",
        "disEq": text(cents(stand.equity * usd)),
        "eq": text(stand.equity),
        "eqUsd": text(cents(stand.equity * usd)),
        "frozenBal": text(stand.frozen),
        "frpType": "0",
        "imr": text(stand.imr),
        "interest": "0",
        "isoEq": text(stand.isolated),
        "isoLiab": "0",
        "isoUpl": text(stand.isolated_upl),
        "liab": "0",
        "maxLoan": "0",
        "mgnRatio": _ratio(stand.equity - stand.isolated, stand.mmr),
        "mmr": text(stand.mmr),
        "notionalLever": _ratio(stand.notional, stand.equity),
        "ordFrozen": text(stand.order_frozen),
        "rewardBal": "0",
        "smtSyncEq": "0",
        "spotBal": text(stand.cash),
        "spotCopyTradingEq": "0",
        "spotInUseAmt": "0",
        "spotIsoBal": "0",
        "stgyEq": "0",
        "twap": "0",
        "uTime": str(account.changed_ms[ccy]),
        "upl": text(stand.cross_upl),
        "uplLiab": "0",
    }
    return _applicable(row, _CURRENCY_FIELDS, account.level)


def _totals(account: Account, stands: dict[str, Standing], usd: Usd, now_ms: int) -> Row:
    def total(pick: str) -> Decimal:
        return sum((getattr(one, pick) * usd(ccy) for ccy, one in stands.items()), ZERO)

    def notional(inst_type: str) -> Decimal:
        return sum(
            (one.notional_by_type.get(inst_type, ZERO) * usd(ccy) for ccy, one in stands.items()),
            ZERO,
        )

    equity, isolated = total("equity"), total("isolated")
    imr, mmr = total("imr"), total("mmr")
    row = {
        "adjEq": text(cents(equity - isolated)),
        "availEq": text(cents(max(ZERO, equity - isolated - imr - total("order_frozen")))),
        "borrowFroz": "0",
        "imr": text(cents(imr)),
        "isoEq": text(cents(isolated)),
        "mgnRatio": _ratio(equity - isolated, mmr),
        "mmr": text(cents(mmr)),
        "notionalUsd": text(cents(total("notional"))),
        "notionalUsdForBorrow": "0",
        "notionalUsdForFutures": text(cents(notional("FUTURES"))),
        "notionalUsdForOption": text(cents(notional("OPTION"))),
        "notionalUsdForSwap": text(cents(notional("SWAP"))),
        "ordFroz": text(cents(total("order_frozen"))),
        "totalEq": text(cents(equity)),
        "uTime": str(now_ms),
        "upl": text(cents(total("cross_upl"))),
    }
    return _applicable(row, _ACCOUNT_FIELDS, account.level)


def _applicable(row: Row, fields: dict[str, str], level: str) -> Row:
    for name, levels in fields.items():
        if level not in levels:
            row[name] = ""
    return row


def _ratio(above: Decimal, below: Decimal) -> str:
    return text(round(above / below, 6)) if below > 0 else ""
