from typing import Any

import pytest

from okx_gateway.account.balance_state import LiveBalance
from okx_gateway.domain.balance import Balance, CurrencyBalance


def holding(currency: str, cash: str, update_ms: int = 10, **more: Any) -> CurrencyBalance:
    amounts = {"available": cash, "frozen": "0", "equity": cash, "equity_usd": cash}
    return CurrencyBalance(
        currency=currency,
        cash=cash,
        **{**amounts, "liability": "", "unrealised_profit": "", **more},
        update_ms=update_ms,
    )


def told(*currencies: CurrencyBalance, total: str = "9", update_ms: int = 10) -> Balance:
    return Balance(
        total_equity_usd=total,
        adjusted_equity_usd="",
        currencies=currencies,
        update_ms=update_ms,
    )


def held(balance: LiveBalance, *currencies: str) -> dict[str, str]:
    read = balance.read(currencies)
    assert read is not None
    return {each.currency: each.cash for each in read.currencies}


@pytest.fixture
def balance() -> LiveBalance:
    balance = LiveBalance()
    balance.snapshot(told(holding("BTC", "1"), holding("USDT", "5")), page=1, last_page=True)
    return balance


def test_nothing_is_told_before_all_pages_are_there() -> None:
    balance = LiveBalance()
    assert balance.snapshot(told(holding("BTC", "1")), page=1, last_page=False) is None
    assert balance.read() is None
    assert balance.update(told(holding("BTC", "2"))) == []
    changed = balance.snapshot(told(holding("USDT", "5")), page=2, last_page=True)
    assert changed is not None
    assert [each.currency for each in changed] == ["BTC", "USDT"]
    assert held(balance) == {"BTC": "1", "USDT": "5"}


def test_a_snapshot_that_lacks_its_beginning_is_not_taken() -> None:
    balance = LiveBalance()
    assert balance.snapshot(told(holding("USDT", "5")), page=2, last_page=True) is None
    assert not balance.complete


def test_an_update_changes_what_it_names(balance: LiveBalance) -> None:
    changed = balance.update(told(holding("BTC", "2", 11), total="12", update_ms=11))
    assert [(each.currency, each.cash) for each in changed] == [("BTC", "2")]
    assert held(balance) == {"BTC": "2", "USDT": "5"}
    read = balance.read()
    assert read is not None
    assert (read.total_equity_usd, read.update_ms) == ("12", 11)


def test_what_is_older_changes_nothing(balance: LiveBalance) -> None:
    balance.update(told(holding("BTC", "2", 20), total="12", update_ms=20))
    assert balance.update(told(holding("BTC", "3", 19), total="8", update_ms=19)) == []
    assert balance.snapshot(told(update_ms=19), page=1, last_page=True) == []
    read = balance.read()
    assert read is not None
    assert (read.total_equity_usd, held(balance)) == ("12", {"BTC": "2", "USDT": "5"})


def test_the_same_once_more_is_no_change(balance: LiveBalance) -> None:
    again = told(holding("BTC", "1", 15), holding("USDT", "5", 15), update_ms=15)
    assert balance.snapshot(again, page=1, last_page=True) == []


def test_a_currency_that_is_used_up_is_told_and_gone(balance: LiveBalance) -> None:
    changed = balance.update(told(holding("BTC", "0", 11), update_ms=11))
    assert [(each.currency, each.cash) for each in changed] == [("BTC", "0")]
    assert held(balance) == {"USDT": "5"}


def test_a_currency_that_a_snapshot_leaves_out_is_used_up(balance: LiveBalance) -> None:
    changed = balance.snapshot(told(holding("BTC", "1"), update_ms=12), page=1, last_page=True)
    assert changed is not None
    assert [(each.currency, each.cash, each.equity, each.liability) for each in changed] == [
        ("USDT", "0", "0", "")
    ]
    assert held(balance) == {"BTC": "1"}


def test_what_is_owed_or_odd_is_not_nothing(balance: LiveBalance) -> None:
    balance.update(told(holding("ETH", "0", liability="3"), holding("XRP", "?")))
    assert held(balance).keys() == {"BTC", "USDT", "ETH", "XRP"}


def test_some_currencies_can_be_read(balance: LiveBalance) -> None:
    assert held(balance, "BTC", "DOGE") == {"BTC": "1"}


def test_what_was_forgotten_is_told_anew(balance: LiveBalance) -> None:
    balance.forget()
    assert balance.read() is None
    changed = balance.snapshot(told(holding("BTC", "1")), page=1, last_page=True)
    assert changed is not None
    assert [each.currency for each in changed] == ["BTC"]
