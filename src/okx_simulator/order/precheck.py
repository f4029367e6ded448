"""What would an order do to the account's margin? Pure. Source: OKX docs, 'Order precheck'."""

from decimal import Decimal

from okx_simulator.account.account import Account
from okx_simulator.account.margin import currencies, need, spendable, standing
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.number import ZERO, text
from okx_simulator.order.admission import priced
from okx_simulator.order.desk import OrderDesk
from okx_simulator.order.order import Order
from okx_simulator.order.rule import read_order
from okx_simulator.rest.param import Params


def precheck_row(desk: OrderDesk, account: Account, params: Params, now_ms: int) -> Row:
    """Return the account's margin in USD and how the order would change it; nothing is placed.

    Raises:
        RefusedError: 51010, the account mode has no common margin; or a rule the order breaks.
    """
    if not account.shares_margin:
        raise RefusedError("51010")
    market, around = desk.market, desk.around
    asked = read_order(params, account.mode, market.listing)
    lever = account.lever(asked.instrument, asked.td_mode, asked.pos_side)
    px = priced(asked, around)
    order = Order(0, account.uid, asked, asked.sz, px, lever, now_ms, now_ms)
    quote = market.quote(asked.instrument)
    ccy, wanted = need(account, order, px or (quote.ask if asked.is_buy else quote.bid))
    change = wanted * market.usd(ccy)
    stands = [(standing(account, one, market.mark), market.usd(one)) for one in currencies(account)]
    backing = sum(((one.equity - one.isolated) * usd for one, usd in stands), ZERO)
    imr = sum((one.imr * usd for one, usd in stands), ZERO)
    mmr = sum((one.mmr * usd for one, usd in stands), ZERO)
    is_spot = asked.instrument.inst_type == "SPOT"
    return {
        "adjEq": _usd(backing),
        "adjEqChg": "0",
        "availBal": text(spendable(account, order, ccy, market.mark, market.usd)),
        "availBalChg": text(-wanted),
        "imr": _usd(imr),
        "imrChg": "0" if is_spot else _usd(change),
        "liab": "0",
        "liabChg": "0",
        "liabChgCcy": "",
        "liqPx": "",
        "liqPxDiff": "",
        "liqPxDiffRatio": "",
        "mgnRatio": text(round(backing / mmr, 6)) if mmr else "",
        "mgnRatioChg": "",
        "mmr": _usd(mmr),
        "mmrChg": "0",
        "posBal": "",
        "posBalChg": "",
        "type": "",
    }


def _usd(amount: Decimal) -> str:
    return text(round(amount, 6))
