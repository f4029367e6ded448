"""What are a quantity, a profit and a margin worth in money? Pure.

Money is in the currency that the instrument is paid in (`Instrument.money_ccy`).
Source: OKX docs, 'Get instruments' (contract value), 'Get positions' and 'Get fee rates'.
"""

from decimal import Decimal

from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO, trimmed

# Rates of an account of level Lv1, taker and maker, by type of instrument.
FEE_RATES: dict[str, tuple[Decimal, Decimal]] = {
    "SPOT": (Decimal("0.001"), Decimal("0.0008")),
    "MARGIN": (Decimal("0.001"), Decimal("0.0008")),
    "SWAP": (Decimal("0.0005"), Decimal("0.0002")),
    "FUTURES": (Decimal("0.0005"), Decimal("0.0002")),
    "OPTION": (Decimal("0.0003"), Decimal("0.0002")),
}
# Share of the underlying that a seller of options has to put up.
OPTION_MARGIN = Decimal("0.15")
# Maintenance margin as a share of the position's worth, in the first tier.
MAINTENANCE = {"MARGIN": Decimal("0.03")}
MAINTENANCE_CONTRACT = Decimal("0.004")


def worth(instrument: Instrument, sz: Decimal, px: Decimal) -> Decimal:
    """Return the money that `sz` is worth at `px`; negative for a negative `sz`."""
    units = sz * instrument.ct_val * instrument.ct_mult
    return trimmed(units / px) if instrument.is_inverse else units * px


def profit(instrument: Instrument, sz: Decimal, entry: Decimal, leave: Decimal) -> Decimal:
    """Return the money made by holding `sz` (negative: short) from `entry` to `leave`."""
    units = sz * instrument.ct_val * instrument.ct_mult
    if instrument.is_inverse:
        return trimmed(units / entry) - trimmed(units / leave)
    return trimmed(units * (leave - entry))


def initial_margin(
    instrument: Instrument, sz: Decimal, px: Decimal, lever: Decimal, *, is_buy: bool
) -> Decimal:
    """Return the money that opening `sz` at `px` ties up: margin, or an option's whole premium."""
    if instrument.inst_type != "OPTION":
        return trimmed(worth(instrument, abs(sz), px) / lever)
    if is_buy:
        return worth(instrument, abs(sz), px)
    return option_margin(instrument, sz)


def option_margin(instrument: Instrument, sz: Decimal) -> Decimal:
    """Return the coins that a seller of `sz` options has to put up."""
    return abs(sz) * instrument.ct_val * instrument.ct_mult * OPTION_MARGIN


def maintenance_rate(instrument: Instrument) -> Decimal:
    """Return the maintenance margin as a share of the position's worth."""
    return MAINTENANCE.get(instrument.inst_type, MAINTENANCE_CONTRACT)


def fee_rate(instrument: Instrument, *, is_taker: bool) -> Decimal:
    """Return the share of a trade's worth that is charged."""
    taker, maker = FEE_RATES[instrument.inst_type]
    return taker if is_taker else maker


def average(
    instrument: Instrument, old_sz: Decimal, old_px: Decimal, sz: Decimal, px: Decimal
) -> Decimal:
    """Return the average price of two quantities of the same direction.

    An inverse contract averages harmonically, because its worth is in coins.
    """
    total = old_sz + sz
    if instrument.is_inverse:
        return total / (old_sz / old_px + sz / px) if old_sz else px
    return (old_sz * old_px + sz * px) / total if total else ZERO
