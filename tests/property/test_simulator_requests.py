"""Whatever is asked of the simulated exchange, it answers or refuses, and its books stay right."""

import json
from decimal import Decimal
from typing import Any

import orjson
from hypothesis import HealthCheck, given
from hypothesis import settings as hypothesis_settings
from hypothesis import strategies as st

from okx_simulator.answer import Ack
from okx_simulator.error_code import RefusedError
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.rest.endpoint import Call
from okx_simulator.rest.table import ENDPOINTS
from tests.support.trading_floor import MINE, SPOT, Floor, settings

FITTING: dict[str, list[Any]] = {
    "instId": ["BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP", "BTC-USD-261225-100000-C", "ETH-BTC"],
    "tdMode": ["cash", "cross", "isolated"],
    "side": ["buy", "sell"],
    "ordType": ["market", "limit", "post_only", "fok", "ioc", "conditional", "oco", "trigger"],
    "sz": ["1", "0.01", "10", "1000", "50000"],
    "px": ["100000", "99000", "101000", "0.05", "1"],
    "ccy": ["USDT", "BTC"],
    "posSide": ["net", "long", "short"],
    "mgnMode": ["cross", "isolated"],
    "instType": ["SPOT", "SWAP", "MARGIN", "OPTION", "FUTURES"],
    "slTriggerPx": ["90000"],
    "slOrdPx": ["-1", "90000"],
    "tpTriggerPx": ["110000"],
    "tpOrdPx": ["-1"],
    "triggerPx": ["99000"],
    "orderPx": ["-1"],
    "lever": ["1", "10", "100"],
    "reduceOnly": [True, False],
    "type": ["add", "reduce", "0", "1"],
    "amt": ["1", "1000"],
    "from": ["6", "18"],
    "to": ["6", "18"],
    "newSz": ["1", "0.02"],
    "newPx": ["99500", "100500"],
    "posMode": ["net_mode", "long_short_mode"],
}
OTHER_FIELDS = (
    *("instFamily", "uly", "ordId", "clOrdId", "algoId", "algoClOrdId", "pxUsd", "pxVol"),
    *("tgtCcy", "subAcct", "limit", "after", "before", "begin", "end", "bar", "reqId", "acctLv"),
    *("callbackRatio", "callbackSpread", "activePx", "closeFraction", "timeOut", "tag", "stpMode"),
    *("attachAlgoOrds", "autoCxl", "state", "newSlTriggerPx", "newTriggerPx", "quoteCcy", "tier"),
)
ODD = st.one_of(
    st.sampled_from(["", "0", "-1", "1e5", "9" * 40, "0." + "0" * 29 + "1", "1m", "4", "abc1"]),
    st.sampled_from([value for values in FITTING.values() for value in values]),
    st.integers(-5, 10**20),
    st.floats(),
    st.none(),
    st.booleans(),
    st.text(max_size=5),
    st.just({}),
    st.lists(st.dictionaries(st.sampled_from(["tpTriggerPx", "tpOrdPx", "sz"]), st.just("1"))),
)
KEYS = sorted(ENDPOINTS)
PLACING = ("POST", "/api/v5/trade/order")
WEIGHTED = [
    *KEYS,
    *[PLACING] * 20,
    *[key for key in KEYS if "POST" in key and "trade" in key[1]] * 4,
]


@st.composite
def params(draw: st.DrawFn) -> dict[str, Any]:
    """Return fields that mostly fit, with some that are odd."""
    order = ("instId", "tdMode", "side", "ordType", "sz", "px", "mgnMode", "ccy")
    named = [*order, *draw(st.lists(st.sampled_from([*FITTING, *OTHER_FIELDS]), max_size=8))]
    written = {}
    for name in named:
        fits = name in FITTING and draw(st.integers(0, 9)) > 0
        written[name] = draw(st.sampled_from(FITTING[name]) if fits else ODD)
    return written


CALLS = st.lists(
    st.tuples(st.sampled_from(WEIGHTED), params(), st.sampled_from([0.0, 0.0, 0.1, 1.0])),
    min_size=1,
    max_size=25,
)


def ask(floor: Floor, method: str, path: str, written: dict[str, Any]) -> None:
    """Ask, and read the answer as JSON."""
    if method == "GET":
        written = {
            name: value if isinstance(value, str) else json.dumps(value)
            for name, value in written.items()
        }
    floor.exchange.advance()
    key = floor.exchange.account(MINE).settings.keys[0]
    call = Call(written, (written,), floor.clock.now_us(), MINE, key)
    try:
        answer = ENDPOINTS[method, path].answer(floor.exchange, call)
    except RefusedError:
        return
    orjson.dumps(answer.body(1, 2) if isinstance(answer, Ack) else list(answer))


def check(floor: Floor) -> None:
    """Compare what is frozen with orders and cash with bills, and read all that there is."""
    account = floor.exchange.account(MINE)
    pending = account.orders.pending.values()
    assert all(order.left > 0 for order in pending)
    kept = [*account.frozen.values(), *account.held_margin.values()]
    assert all(amount >= 0 for amount in kept)
    assert sum(kept) == sum(order.frozen for order in pending)
    assert all(position.sz for position in account.positions.values())
    for ccy in START_USD:
        changes = sum(Decimal(bill["balChg"]) for bill in account.bills if bill["ccy"] == ccy)
        assert account.cash[ccy] == account.settings.balances.get(ccy, 0) + changes
    for path in ("/account/balance", "/account/positions", "/trade/orders-pending"):
        floor.get(path)


@hypothesis_settings(max_examples=60, deadline=None, suppress_health_check=list(HealthCheck))
@given(CALLS, st.sampled_from(["1", "2", "3", "4"]))
def test_every_request_is_answered_or_refused(
    calls: list[tuple[tuple[str, str], dict[str, Any], float]], level: str
) -> None:
    floor = Floor(settings(account_level=level, funding={"USDT": 1_000, "BTC": 1}))
    floor.move(SPOT, 100_000)
    for (method, path), written, seconds in calls:
        ask(floor, method, path, written)
        floor.wait(seconds)
        check(floor)
