import json
from decimal import Decimal

import pytest

from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.okx.instrument_codec import instrument_from_row
from okx_gateway.okx.reply import UnreadableReplyError

# OKX docs, "Get instruments", the example of a response, shortened.
SPOT: dict[str, object] = json.loads("""{
    "alias": "", "baseCcy": "BTC", "category": "1", "ctMult": "", "ctType": "", "ctVal": "",
    "expTime": "", "instFamily": "", "instId": "BTC-USDT", "instType": "SPOT", "lever": "10",
    "lotSz": "0.00000001", "maxIcebergSz": "9999999999.0000000000000000",
    "maxLmtSz": "9999999999", "maxMktSz": "1000000", "minSz": "0.00001", "quoteCcy": "USDT",
    "settleCcy": "", "state": "live", "stk": "", "tickSz": "0.1", "uly": ""
}""")


def test_an_instrument_is_read() -> None:
    assert instrument_from_row(SPOT) == Instrument(
        name="BTC-USDT",
        type=InstrumentType.SPOT,
        family="",
        tick=Decimal("0.1"),
        lot=Decimal("0.00000001"),
        minimum=Decimal("0.00001"),
        maximum_limit=Decimal(9999999999),
        maximum_market=Decimal(1000000),
        tradable=True,
        base_currency="BTC",
        quote_currency="USDT",
    )


def test_an_option_has_its_family_and_its_terms() -> None:
    option = SPOT | {
        "instId": "BTC-USD-261225-60000-C",
        "instType": "OPTION",
        "instFamily": "BTC-USD",
        "settleCcy": "BTC",
        "ctVal": "0.01",
        "ctValCcy": "BTC",
        "stk": "60000",
        "expTime": "1798185600000",
    }
    read = instrument_from_row(option)
    assert read.family == "BTC-USD"
    assert (read.contract_value, read.contract_currency, read.settlement_currency) == (
        "0.01",
        "BTC",
        "BTC",
    )
    assert (read.strike_price, read.expiry_ms) == ("60000", 1_798_185_600_000)


@pytest.mark.parametrize(
    ("told", "code"), [(10459, 10459), (None, 0), ("", 0), (True, 0), (2.5, 0)]
)
def test_a_socket_names_it_by_a_number_where_okx_tells_one(told: object, code: int) -> None:
    assert instrument_from_row(SPOT | {"instIdCode": told}).socket_code == code


@pytest.mark.parametrize(
    ("state", "tradable"),
    [
        *(("live", True), ("post_only", True), ("rebase", True)),
        *(("suspend", False), ("preopen", False), ("test", False), ("settling", False)),
        *(("", False), ("something new", False)),
    ],
)
def test_orders_are_taken_in_known_states_only(state: str, *, tradable: bool) -> None:
    assert instrument_from_row(SPOT | {"state": state}).tradable is tradable


def test_an_amount_that_okx_leaves_empty_is_zero() -> None:
    empty = SPOT | dict.fromkeys(("maxLmtSz", "maxMktSz"), "")
    instrument = instrument_from_row(empty)
    assert instrument.maximum_limit == instrument.maximum_market == 0


@pytest.mark.parametrize(
    "wrong",
    [
        {"instType": "EVENTS"},
        {"instType": ""},
        {"instType": 1},
        {"instId": None},
        {"tickSz": "1e-8"},
        {"tickSz": 0.1},
        {"lotSz": "-1"},
        {"minSz": "NaN"},
    ],
)
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        instrument_from_row(SPOT | wrong)
