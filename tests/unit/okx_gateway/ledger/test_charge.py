import pytest

from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.ledger.charge import Charge, ChargeTable
from okx_gateway.okx.endpoint import Endpoint
from tests.fakes.orders import an_instrument

TABLE = ChargeTable(jitter_ms=100)
SUB_ACCOUNT = Charge("sub_account", 1_000, 2_100_000)


@pytest.mark.parametrize(
    ("kind", "counted_by", "sub_account"),
    [
        (InstrumentType.SPOT, "BTC-USDT", False),
        (InstrumentType.MARGIN, "BTC-USDT", False),
        (InstrumentType.SWAP, "BTC-USDT-SWAP", True),
        (InstrumentType.FUTURES, "BTC-USD-261225", True),
        (InstrumentType.OPTION, "BTC-USD", True),
    ],
)
def test_an_order_is_counted_as_okx_counts_it(
    kind: InstrumentType, counted_by: str, *, sub_account: bool
) -> None:
    own = Charge(f"place_order:{counted_by}", 60, 2_100_000)
    charges = TABLE.of_order(Endpoint.PLACE_ORDER, an_instrument(kind))
    assert charges == ((own, SUB_ACCOUNT) if sub_account else (own,))


@pytest.mark.parametrize("endpoint", [Endpoint.CANCEL_ORDER, Endpoint.GET_ORDER])
def test_cancels_and_look_ups_have_windows_of_their_own(endpoint: Endpoint) -> None:
    swap = an_instrument(InstrumentType.SWAP)
    name = f"{endpoint.name.lower()}:BTC-USDT-SWAP"
    assert TABLE.of_order(endpoint, swap) == (Charge(name, 60, 2_100_000),)


def test_spot_and_margin_of_a_pair_share_a_window() -> None:
    spot, margin = (an_instrument(kind) for kind in (InstrumentType.SPOT, InstrumentType.MARGIN))
    assert TABLE.of_order(Endpoint.PLACE_ORDER, spot) == TABLE.of_order(
        Endpoint.PLACE_ORDER, margin
    )


@pytest.mark.parametrize(
    ("endpoint", "kind", "charge"),
    [
        (Endpoint.GET_BALANCE, None, Charge("get_balance", 10, 2_100_000)),
        (Endpoint.GET_ACCOUNT_CONFIG, None, Charge("get_account_config", 5, 2_100_000)),
        (Endpoint.GET_TIME, None, Charge("get_time", 10, 2_100_000)),
        (
            Endpoint.GET_INSTRUMENTS,
            InstrumentType.SWAP,
            Charge("get_instruments:SWAP", 20, 2_100_000),
        ),
    ],
)
def test_reads_are_counted_by_what_okx_counts_them_by(
    endpoint: Endpoint, kind: InstrumentType | None, charge: Charge
) -> None:
    assert TABLE.of_read(endpoint, kind) == (charge,)


def test_a_type_divides_only_what_okx_counts_by_type() -> None:
    [charge] = TABLE.of_read(Endpoint.GET_BALANCE, InstrumentType.SPOT)
    assert charge.name == "get_balance"


def test_every_window_is_widened_by_the_jitter() -> None:
    [charge] = ChargeTable(jitter_ms=0).of_read(Endpoint.GET_TIME)
    assert charge.width_us == 2_000_000
    [charge] = ChargeTable(jitter_ms=250).of_read(Endpoint.GET_TIME)
    assert charge.width_us == 2_250_000
