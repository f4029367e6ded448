from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.domain.account import Account
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.ledger.caller_shares import CallerShare, CallerShares
from okx_gateway.ledger.charge import GATEWAY, LIVE_STATE, Charge, ChargeTable, Part
from okx_gateway.okx.endpoint import Endpoint
from tests.fakes.orders import NET, an_instrument

TABLE = ChargeTable(lambda: 100)
SUB_ACCOUNT = Charge("sub_account", 1_000, 2_100_000)
SHARED = ChargeTable(
    lambda: 0, CallerShares({"algo": CallerShare(20, 60), "*": CallerShare(0, 50)})
)


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
    alone = Charge(f"place_order:{counted_by}", 60, 2_100_000)
    batch = Charge(f"place_orders:{counted_by}", 300, 2_100_000)
    rest = (SUB_ACCOUNT,) if sub_account else ()
    assert TABLE.of_placing(an_instrument(kind), NET, "desk") == ((alone, *rest), (batch, *rest))


def test_where_okx_takes_a_batch_as_a_whole_no_order_shares_one() -> None:
    whole = Account("main", "live:1", long_short=False, portfolio_margin=True)
    assert len(TABLE.of_placing(an_instrument(), whole, "desk")) == 1


def test_a_sub_account_that_okx_allows_more_gets_more() -> None:
    vip = Account("main", "live:1", long_short=False, orders_per_2_s=3_000)
    swap = an_instrument(InstrumentType.SWAP)
    assert TABLE.of_order(Endpoint.PLACE_ORDER, swap, vip, "desk")[1].pool == 3_000


def test_cancels_have_a_window_of_their_own() -> None:
    swap = an_instrument(InstrumentType.SWAP)
    own = Charge("cancel_order:BTC-USDT-SWAP", 60, 2_100_000)
    assert TABLE.of_order(Endpoint.CANCEL_ORDER, swap, NET, "desk") == (own,)


def test_look_ups_that_end_doubts_have_a_part_that_callers_cannot_take() -> None:
    swap = an_instrument(InstrumentType.SWAP)
    [caller] = TABLE.of_order(Endpoint.GET_ORDER, swap, NET, "desk")
    [gateway] = TABLE.of_order(Endpoint.GET_ORDER, swap, NET, GATEWAY)
    assert (caller.pool, caller.share) == (40, None)
    assert (gateway.pool, gateway.share) == (40, Part(GATEWAY, 20))


def test_look_ups_for_live_state_leave_to_doubts_what_is_theirs() -> None:
    [live] = TABLE.of_order(Endpoint.GET_ORDER, an_instrument(), NET, LIVE_STATE)
    assert (live.pool, live.share) == (40, None)


def test_spot_and_margin_of_a_pair_share_a_window() -> None:
    spot, margin = (an_instrument(kind) for kind in (InstrumentType.SPOT, InstrumentType.MARGIN))
    assert TABLE.of_order(Endpoint.PLACE_ORDER, spot, NET, "desk") == TABLE.of_order(
        Endpoint.PLACE_ORDER, margin, NET, "desk"
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
    assert TABLE.of_read(endpoint, kind=kind) == (charge,)


def test_a_type_divides_only_what_okx_counts_by_type() -> None:
    [charge] = TABLE.of_read(Endpoint.GET_BALANCE, kind=InstrumentType.SPOT)
    assert charge.name == "get_balance"


def test_every_window_is_widened_by_the_jitter_of_the_moment() -> None:
    jitter_ms = 0
    table = ChargeTable(lambda: jitter_ms)
    [charge] = table.of_read(Endpoint.GET_TIME)
    assert charge.width_us == 2_000_000
    jitter_ms = 250
    [charge] = table.of_read(Endpoint.GET_TIME)
    assert charge.width_us == 2_250_000


def test_a_caller_has_its_share_and_no_more_than_its_maximum() -> None:
    algo, web = (
        SHARED.of_placing(an_instrument(), NET, caller)[0][0] for caller in ("algo", "web")
    )
    assert (algo.pool, algo.share, algo.cap) == (48, Part("algo", 12), Part("algo", 24))
    assert (web.pool, web.share, web.cap) == (48, None, Part("web", 30))


def test_each_replica_has_a_floor_of_everything_but_orders() -> None:
    table = ChargeTable(lambda: 0, replicas_max=4)
    [cancel] = table.of_order(Endpoint.CANCEL_ORDER, an_instrument(), NET, "desk")
    assert (cancel.floor, cancel.pool) == (5, 40)
    [place] = table.of_placing(an_instrument(), NET, "desk")[0]
    assert (place.floor, place.pool) == (0, 60)


@st.composite
def tables(draw: Any) -> ChargeTable:
    left, shares = 100, {}
    for caller in draw(st.lists(st.sampled_from("abcdef"), unique=True)):
        guaranteed = draw(st.integers(0, left))
        left -= guaranteed
        shares[caller] = CallerShare(guaranteed, draw(st.integers(max(1, guaranteed), 100)))
    return ChargeTable(lambda: 0, CallerShares(shares), draw(st.integers(0, 40)))


@given(tables(), st.sampled_from(Endpoint))
def test_the_parts_of_a_window_never_add_up_to_more_than_okx_allows(
    table: ChargeTable, endpoint: Endpoint
) -> None:
    parts = [
        table.of_order(endpoint, an_instrument(), NET, caller)[0]
        for caller in (*table.shares.by_caller, "nobody", GATEWAY)
    ]
    shares = sum(part.share.capacity for part in parts if part.share is not None)
    [pool], [floor] = {part.pool for part in parts}, {part.floor for part in parts}
    assert pool >= 0
    assert floor >= 0
    assert pool + shares + floor * table.replicas_max <= endpoint.limit.count
    for part in parts:
        assert part.cap is None or part.cap.capacity >= 0


def test_nothing_that_callers_are_given_bounds_the_gateway() -> None:
    [gateway] = SHARED.of_read(Endpoint.GET_BALANCE, GATEWAY)
    assert gateway.cap is None


def test_connecting_is_counted_as_okx_counts_it() -> None:
    [charge] = TABLE.of_connecting()
    assert (charge.name, charge.pool, charge.width_us) == ("websocket_connect", 3, 1_100_000)
