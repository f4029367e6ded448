from decimal import Decimal

import pytest

from okx_gateway.access.policy import CallerRights, Grant, OrderLimits, Policy
from okx_gateway.access.policy_document import (
    DOCUMENT_BYTES_MAX,
    PolicyError,
    policy_from_text,
    policy_schema,
)
from okx_gateway.ledger.caller_shares import CallerShare

ON_ACCOUNT = frozenset({"PlaceOrder", "GetOrder"})
ON_MARKET = frozenset({"GetTicker"})
WHOLE = """
version: 1
revision: 2026-11-23.1
mode: dry_run
callers:
  algo:
    share: {guaranteed_percent: 20, maximum_percent: 60}
    market: ["*"]
    accounts:
      main:
        calls: [PlaceOrder]
        instruments: [BTC-USDT, ETH-*]
        orders:
          market_orders: false
          largest: {USDT: "50000", USD: "0.5"}
          collar_percent: "2.5"
  idle: {}
"""
SMALL = """
version: 1
revision: r1
callers: {algo: {accounts: {main: {calls: [PlaceOrder], instruments: ["*"]}}}}
"""


def read(text: str) -> Policy:
    return policy_from_text(text.encode(), on_account=ON_ACCOUNT, on_market=ON_MARKET)


def problems(text: str) -> tuple[str, ...]:
    with pytest.raises(PolicyError) as failed:
        read(text)
    return failed.value.problems


def test_a_whole_document() -> None:
    limits = OrderLimits(
        market_orders=False,
        largest={"USDT": Decimal(50_000), "USD": Decimal("0.5")},
        collar_percent=Decimal("2.5"),
        enforced=False,
    )
    grant = Grant(frozenset({"PlaceOrder"}), frozenset({"BTC-USDT", "ETH-*"}), limits)
    algo = CallerRights(frozenset({"*"}), {"main": grant}, CallerShare(20, 60))
    assert read(WHOLE) == Policy(
        "2026-11-23.1", {"algo": algo, "idle": CallerRights()}, enforced=False
    )


def test_what_is_left_out_limits_nothing_and_allows_nothing() -> None:
    rights = read(SMALL).callers["algo"]
    assert rights.market == frozenset()
    assert rights.share is None
    assert rights.accounts["main"].limits == OrderLimits()


@pytest.mark.parametrize(
    ("change", "problem"),
    [
        (("version: 1", "version: 2"), "version: Input should be 1, not 2"),
        (("revision: r1", ""), "revision: Field required"),
        (("revision: r1", "revision: 'a b'"), "revision: "),
        (("[PlaceOrder]", "[PlaceOrders]"), "'PlaceOrders' is none of GetOrder, PlaceOrder"),
        (("[PlaceOrder]", "[GetTicker]"), "'GetTicker' is none of GetOrder, PlaceOrder"),
        (("[PlaceOrder]", "[]"), "callers.algo.accounts.main.calls: "),
        (('["*"]', "[btc-usdt]"), "callers.algo.accounts.main.instruments.0: "),
        (('["*"]', '["B*C"]'), "callers.algo.accounts.main.instruments.0: "),
        (('["*"]', '["BTC\\n"]'), "callers.algo.accounts.main.instruments.0: "),
        (('["*"]', '["*"], calls: [GetOrder]'), "'calls' is there twice, line 4"),
        (("algo:", "Algo:"), "callers.Algo: "),
        (("main:", "Main:"), "callers.algo.accounts.Main: "),
        (("accounts:", "acounts:"), "callers.algo.acounts: Extra inputs are not permitted"),
        (("accounts:", "market: [PlaceOrder], accounts:"), "'PlaceOrder' is none of GetTicker"),
        (
            ("accounts:", "share: {guaranteed_percent: 70, maximum_percent: 60}, accounts:"),
            "callers.algo.share: guarantees more than its maximum",
        ),
        (
            ("accounts:", "share: {guaranteed_percent: 101}, accounts:"),
            "callers.algo.share.guaranteed_percent: ",
        ),
        (('["*"]', '["*"], orders: {largest: {USDT: 5e4}}'), "orders.largest.USDT: "),
        (('["*"]', '["*"], orders: {largest: {USDT: 50000.0}}'), "orders.largest.USDT: "),
        (('["*"]', '["*"], orders: {collar_percent: "-1"}'), "orders.collar_percent: "),
        (("algo:", "&a algo: {}, b: *a, c:"), "aliases (*name) are not taken"),
        (("callers:", "callers: ["), "not YAML as a policy is written"),
        (("revision: r1", "revision: 2026-02-30"), "not YAML as a policy is written"),
        (("revision: r1", "? [a, b]"), "not YAML as a policy is written"),
        (("revision: r1", "revision: !!bool maybe"), "not YAML as a policy is written"),
        (("revision: r1", "revision: " + "9" * 5_000), "not YAML as a policy is written"),
    ],
)
def test_anything_wrong_is_told_with_its_place(change: tuple[str, str], problem: str) -> None:
    before, after = change
    assert before in SMALL
    assert any(problem in each for each in problems(SMALL.replace(before, after, 1)))


def test_everything_that_is_wrong_is_told_at_once() -> None:
    told = problems(SMALL.replace("version: 1", "version: 3").replace("main:", "M:"))
    assert len(told) == 2


def test_shares_do_not_add_up_to_more_than_there_is() -> None:
    shares = "\n".join(f"  a{n}: {{share: {{guaranteed_percent: 40}}}}" for n in range(3))
    told = problems(f"version: 1\nrevision: r1\ncallers:\n{shares}\n")
    assert told == ("callers: shares guarantee 120 percent in all, and there are 100",)


@pytest.mark.parametrize("text", ["", "[]", "1", "a: 1", "\xff", "%", "- " * 5_000])
def test_what_is_no_policy_at_all_is_refused(text: str) -> None:
    assert problems(text)


def test_a_document_is_not_read_without_end() -> None:
    [told] = problems(SMALL + "#" * DOCUMENT_BYTES_MAX)
    assert told == "the document is longer than 1048576 bytes"


def test_the_schema_tells_what_every_part_means() -> None:
    schema = policy_schema()
    for part in (schema, *schema["$defs"].values()):
        assert part["additionalProperties"] is False
        for name, each in part["properties"].items():
            assert each["description"].endswith("."), name
