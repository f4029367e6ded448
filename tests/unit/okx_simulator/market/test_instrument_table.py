from decimal import Decimal

from okx_simulator.market.instrument_table import CONTRACTS, OPTIONS, PAIRS, START_USD


def test_every_currency_has_a_price() -> None:
    named = {ccy for pair in PAIRS for ccy in pair.inst_id.split("-")}
    named |= {ccy for contract in CONTRACTS for ccy in (*contract.family.split("-"),)}
    named |= {contract.settle_ccy for contract in CONTRACTS}
    named |= {ccy for family in OPTIONS for ccy in family.family.split("-")}
    assert named - {"USD"} == set(START_USD)


def test_minimums_are_multiples_of_the_lot() -> None:
    for pair in PAIRS:
        assert Decimal(pair.min_sz) % Decimal(pair.lot_sz) == 0


def test_strikes_lie_around_the_start() -> None:
    for family in OPTIONS:
        price = START_USD[family.family.split("-")[0]]
        strikes = [float(strike) for strike in family.strikes]
        assert min(strikes) < price < max(strikes)
