"""The policy's decisions beside those of an oracle that reads the document by itself."""

from decimal import Decimal
from fnmatch import fnmatchcase
from random import Random
from typing import Any

import yaml

from okx_gateway.access.order_limits import breach_of_order
from okx_gateway.access.policy import Permitted, Policy, decide
from okx_gateway.access.policy_document import policy_from_text
from okx_gateway.domain.order import Limit, Market, TimeInForce
from tests.fakes.orders import an_instrument, an_order

SEED = 20261124
TUPLES = 10_000
CALLERS = ["algo", "web", "risk", "desk-7"]
ACCOUNTS = ["main", "hedge", "spare"]
ON_ACCOUNT = ["PlaceOrder", "CancelOrder", "GetBalance"]
ON_MARKET = ["GetTicker", "ListTickers"]
INSTRUMENTS = ["BTC-USDT", "BTC-USD-SWAP", "ETH-USDT", "ETH-BTC", "SOL-USDT"]
PATTERNS = ["*", "BTC-*", "ETH-USDT", "SOL-*", "B*", "ETH-BTC"]


def a_document(draw: Random) -> dict[str, Any]:
    return {
        "version": 1,
        "revision": f"r{draw.randrange(1_000)}",
        "callers": {
            caller: {
                "market": draw.sample([*ON_MARKET, "*"], draw.randrange(3)),
                "accounts": {
                    account: {
                        "calls": draw.sample([*ON_ACCOUNT, "*"], draw.randint(1, 3)),
                        "instruments": draw.sample(PATTERNS, draw.randint(1, 3)),
                        "orders": an_order_rule(draw),
                    }
                    for account in draw.sample(ACCOUNTS, draw.randrange(3))
                },
            }
            for caller in draw.sample(CALLERS, draw.randint(1, 3))
        },
    }


def an_order_rule(draw: Random) -> dict[str, Any]:
    rule: dict[str, Any] = {"market_orders": draw.random() < 0.5}
    if draw.random() < 0.7:
        rule["largest"] = {"USDT": str(draw.randint(1, 2_000))}
    if draw.random() < 0.5:
        rule["collar_percent"] = str(draw.randint(0, 50))
    return rule


def oracle(document: dict[str, Any], asked: dict[str, Any]) -> bool:
    """Whether the document allows it, in the plainest way to say so; amounts are whole numbers."""
    caller = document["callers"].get(asked["caller"])
    if caller is None:
        return False
    if asked["account"] is None:
        return asked["call"] in caller["market"] or "*" in caller["market"]
    grant = caller["accounts"].get(asked["account"])
    if grant is None or not {asked["call"], "*"} & set(grant["calls"]):
        return False
    if not any(fnmatchcase(asked["instrument"], each) for each in grant["instruments"]):
        return False
    return asked["call"] != "PlaceOrder" or takes_order(grant["orders"], asked)


def takes_order(rule: dict[str, Any], asked: dict[str, Any]) -> bool:
    if asked["price"] is None and not rule["market_orders"]:
        return False
    if "collar_percent" in rule and asked["price"] is not None:
        away = abs(asked["price"] - asked["last"])
        if away * 100 > int(rule["collar_percent"]) * asked["last"]:
            return False
    worth = asked["quantity"] * (asked["price"] or asked["last"])
    return "largest" not in rule or bool(worth <= int(rule["largest"]["USDT"]))


def ours(policy: Policy, asked: dict[str, Any]) -> bool:
    account = asked["account"]
    names = () if account is None else (asked["instrument"],)
    decision = decide(policy, asked["caller"], asked["call"], account, names)
    if not isinstance(decision, Permitted):
        return False
    if asked["call"] != "PlaceOrder":
        return True
    assert decision.limits is not None
    kind: Market | Limit = Market()
    if asked["price"] is not None:
        kind = Limit(Decimal(asked["price"]), TimeInForce.GOOD_TILL_CANCELLED)
    order = an_order(kind=kind, quantity=Decimal(asked["quantity"]))
    instrument = an_instrument(quote_currency="USDT")
    last = Decimal(asked["last"])
    return breach_of_order(order, instrument, decision.limits, last) is None


def a_tuple(draw: Random) -> dict[str, Any]:
    account = draw.choice([None, *ACCOUNTS, "nobody"])
    last = draw.randint(1, 100)
    return {
        "caller": draw.choice([*CALLERS, "stranger"]),
        "account": account,
        "call": draw.choice(ON_MARKET if account is None else ON_ACCOUNT),
        "instrument": draw.choice(INSTRUMENTS),
        "quantity": draw.randint(1, 40),
        "price": draw.choice([None, last, draw.randint(1, 100)]),
        "last": last,
    }


def test_ten_thousand_decisions_are_those_of_the_oracle() -> None:
    draw, allowed = Random(SEED), 0
    for _ in range(TUPLES // 50):
        document = a_document(draw)
        policy = policy_from_text(
            yaml.safe_dump(document).encode(),
            on_account=frozenset(ON_ACCOUNT),
            on_market=frozenset(ON_MARKET),
        )
        for _ in range(50):
            asked = a_tuple(draw)
            expected = oracle(document, asked)
            allowed += expected
            assert ours(policy, asked) == expected, (document, asked)
    assert TUPLES // 20 < allowed < TUPLES // 2
