import pytest

from okx_gateway.access.policy import (
    CallerRights,
    Denied,
    Grant,
    OrderLimits,
    Permitted,
    Policy,
    decide,
)

LIMITS = OrderLimits(market_orders=False)
POLICY = Policy(
    "r1",
    {
        "algo": CallerRights(
            market=frozenset({"GetTicker"}),
            accounts={
                "main": Grant(
                    frozenset({"PlaceOrder", "GetOrder"}), frozenset({"BTC-USDT", "ETH-*"}), LIMITS
                ),
                "hedge": Grant(frozenset({"*"}), frozenset({"*"})),
            },
        ),
        "idle": CallerRights(),
    },
)


@pytest.mark.parametrize(
    ("caller", "call", "account", "instruments"),
    [
        ("algo", "GetTicker", None, ("DOGE-USDT",)),
        ("algo", "PlaceOrder", "main", ("BTC-USDT",)),
        ("algo", "PlaceOrder", "main", ("ETH-USDT-SWAP", "BTC-USDT")),
        ("algo", "GetOrder", "main", ()),
        ("algo", "AmendOrder", "hedge", ("",)),
    ],
)
def test_what_a_grant_allows_is_permitted(
    caller: str, call: str, account: str | None, instruments: tuple[str, ...]
) -> None:
    assert isinstance(decide(POLICY, caller, call, account, instruments), Permitted)


@pytest.mark.parametrize(
    ("caller", "call", "account", "instruments", "cause"),
    [
        ("other", "GetTicker", None, (), "the policy does not name the caller"),
        ("idle", "GetTicker", None, (), "the caller's market calls do not include it"),
        ("algo", "ListTickers", None, (), "the caller's market calls do not include it"),
        ("algo", "GetOrder", "spare", (), "the caller has no grant on the account"),
        ("algo", "CancelOrder", "main", (), "the grant's calls do not include it"),
        ("algo", "PlaceOrder", "main", ("BTC-USD",), "the grant's instruments do not include it"),
        ("algo", "PlaceOrder", "main", ("",), "the grant's instruments do not include it"),
        (
            *("algo", "PlaceOrder", "main", ("BTC-USDT", "SOL-USDT")),
            "the grant's instruments do not include it",
        ),
        ("", "GetOrder", "", (), "the policy does not name the caller"),
    ],
)
def test_everything_else_is_denied(
    caller: str, call: str, account: str | None, instruments: tuple[str, ...], cause: str
) -> None:
    assert decide(POLICY, caller, call, account, instruments) == Denied(cause)


def test_the_limits_are_those_of_the_grant() -> None:
    assert decide(POLICY, "algo", "PlaceOrder", "main", ("BTC-USDT",)) == Permitted(LIMITS)
    assert decide(POLICY, "algo", "PlaceOrder", "hedge", ("X",)) == Permitted(OrderLimits())
