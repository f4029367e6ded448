import json
from typing import Any

import pytest

from okx_gateway.domain.balance import Balance, CurrencyBalance
from okx_gateway.okx.balance_codec import balance_from_row
from okx_gateway.okx.reply import UnreadableReplyError

# OKX docs, "Get balance", the example of a response, shortened.
ROW: dict[str, Any] = json.loads("""{
    "adjEq": "55415.624719833286", "imr": "0", "isoEq": "0", "mgnRatio": "", "ordFroz": "",
    "details": [{
        "availBal": "4834.317093622894", "availEq": "4834.3170936228935",
        "cashBal": "4850.435693622894", "ccy": "USDT", "crossLiab": "0",
        "eq": "4992.890093622894", "eqUsd": "4991.542013297616", "frozenBal": "158.573",
        "liab": "", "uTime": "1705449605015", "upl": "-7.545600000000006"
    }],
    "totalEq": "55837.43556134779", "uTime": "1705474164160"
}""")


def test_a_balance_is_read_as_okx_wrote_it() -> None:
    assert balance_from_row(ROW) == Balance(
        total_equity_usd="55837.43556134779",
        adjusted_equity_usd="55415.624719833286",
        currencies=(
            CurrencyBalance(
                currency="USDT",
                cash="4850.435693622894",
                available="4834.317093622894",
                frozen="158.573",
                equity="4992.890093622894",
                equity_usd="4991.542013297616",
                liability="",
                unrealised_profit="-7.545600000000006",
                update_ms=1705449605015,
            ),
        ),
        update_ms=1705474164160,
    )


def test_currencies_keep_the_order_of_okx() -> None:
    details = [{"ccy": name} for name in ("USDT", "BTC", "ETH")]
    names = [each.currency for each in balance_from_row({"details": details}).currencies]
    assert names == ["USDT", "BTC", "ETH"]


def test_what_okx_does_not_give_is_empty() -> None:
    assert balance_from_row({}) == Balance(
        total_equity_usd="", adjusted_equity_usd="", currencies=(), update_ms=0
    )


@pytest.mark.parametrize(
    "wrong",
    [
        {"details": None},
        {"details": {}},
        {"details": ["USDT"]},
        {"details": [{"ccy": "USDT", "availBal": 4834.317}]},
        {"details": [{"ccy": None}]},
        {"details": [{"ccy": "USDT", "uTime": "now"}]},
        {"totalEq": 55837.43},
        {"uTime": "1e12"},
    ],
)
def test_what_is_not_as_documented_is_not_read(wrong: dict[str, object]) -> None:
    with pytest.raises(UnreadableReplyError):
        balance_from_row(ROW | wrong)
