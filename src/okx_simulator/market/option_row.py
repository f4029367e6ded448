"""How does OKX describe an option's market? Pure. Source: OKX docs, 'Get option market data'."""

from okx_simulator.answer import Row
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.market import Market
from okx_simulator.market.quote import greeks_of
from okx_simulator.number import text


def option_row(market: Market, instrument: Instrument) -> Row:
    """Return the row of one option: greeks in coins and in USD (BS), and volatilities."""
    index = market.quote(instrument).index
    made = greeks_of(instrument, float(index), market.now_ms)
    in_coins = {"gamma": made.gamma, "theta": made.theta, "vega": made.vega}
    row: Row = {name: _number(value / float(index)) for name, value in in_coins.items()}
    row |= {f"{name}BS": _number(value) for name, value in in_coins.items()}
    row |= {
        "askVol": _number(made.volatility * 1.02),
        "bidVol": _number(made.volatility * 0.98),
        "delta": _number(made.delta - made.value),
        "deltaBS": _number(made.delta),
        "fwdPx": text(index),
        "instId": instrument.inst_id,
        "instType": instrument.inst_type,
        "lever": _number(1 / made.value) if made.value > 0 else "0",
        "markVol": _number(made.volatility),
        "realVol": "",
        "ts": str(market.now_ms),
        "uly": instrument.inst_family,
        "volLv": _number(made.volatility),
    }
    return row


def _number(value: float) -> str:
    return f"{value:.10f}"
