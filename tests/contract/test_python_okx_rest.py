"""python-okx, OKX's own client, unmodified but for its base URL, trades on the simulator."""

from collections.abc import Iterator
from types import SimpleNamespace
from typing import Any

import pytest
from okx.Account import AccountAPI
from okx.Funding import FundingAPI
from okx.MarketData import MarketAPI
from okx.PublicData import PublicAPI
from okx.Status import StatusAPI
from okx.Trade import TradeAPI

SPOT, SWAP = "BTC-USDT", "BTC-USDT-SWAP"
# python-okx passes its bodies to httpx in a way that httpx wants to retire.
pytestmark = pytest.mark.filterwarnings("ignore:Use 'content=:DeprecationWarning")


@pytest.fixture(scope="module")
def okx(simulated: Any) -> Iterator[SimpleNamespace]:
    keys = {
        "api_key": simulated.key,
        "api_secret_key": simulated.secret,
        "passphrase": simulated.passphrase,
        "flag": "0",
        "domain": simulated.url,
    }
    clients = {
        "account": AccountAPI(**keys),
        "funding": FundingAPI(**keys),
        "market": MarketAPI(**keys),
        "public": PublicAPI(**keys),
        "status": StatusAPI(**keys),
        "trade": TradeAPI(**keys),
    }
    yield SimpleNamespace(**clients)
    for client in clients.values():
        client.close()


def rows(answer: dict[str, Any]) -> list[Any]:
    assert answer["code"] == "0", answer
    data: list[Any] = answer["data"]
    return data


def test_public_data(okx: SimpleNamespace) -> None:
    assert rows(okx.public.get_system_time())[0]["ts"].isdigit()
    for inst_type in ("SPOT", "MARGIN", "SWAP", "FUTURES"):
        assert rows(okx.public.get_instruments(inst_type))
    assert rows(okx.public.get_instruments("OPTION", instFamily="BTC-USD"))
    assert rows(okx.public.get_funding_rate(SWAP))[0]["instId"] == SWAP
    assert len(rows(okx.public.funding_rate_history(SWAP, limit="5"))) == 5
    assert rows(okx.public.get_mark_price("SWAP"))
    assert rows(okx.public.get_open_interest("SWAP"))
    assert rows(okx.public.get_price_limit(SPOT))[0]["enabled"] is True
    assert rows(okx.public.get_position_tiers("SWAP", "cross", uly="BTC-USDT"))
    assert rows(okx.public.get_underlying("OPTION")) == [["BTC-USD", "ETH-USD"]]
    assert rows(okx.public.get_opt_summary(uly="BTC-USD"))
    assert rows(okx.status.status()) == []


def test_market_data(okx: SimpleNamespace) -> None:
    assert len(rows(okx.market.get_tickers("SPOT"))) == 10
    (ticker,) = rows(okx.market.get_ticker(SPOT))
    assert float(ticker["bidPx"]) < float(ticker["askPx"])
    (book,) = rows(okx.market.get_orderbook(SPOT, "5"))
    assert [len(level) for level in book["asks"]] == [4] * 5
    assert len(rows(okx.market.get_candlesticks(SPOT, limit="10"))) == 10
    assert len(rows(okx.market.get_history_candlesticks(SPOT, bar="1D", limit="10"))) == 10
    assert len(rows(okx.market.get_trades(SPOT, "20"))) == 20
    assert rows(okx.market.get_index_tickers(quoteCcy="USD"))


def test_order_life(okx: SimpleNamespace) -> None:
    (ticker,) = rows(okx.market.get_ticker(SPOT))
    price = str(round(float(ticker["bidPx"]) * 0.97, 1))
    # Every field without a value goes out as "", and attachAlgoOrds as null.
    (placed,) = rows(
        okx.trade.place_order(SPOT, "cash", "buy", "limit", "0.00100000", px=price, clOrdId="life1")
    )
    assert placed["sCode"] == "0"
    (order,) = rows(okx.trade.get_order(SPOT, clOrdId="life1"))
    assert (order["ordId"], order["state"], order["sz"]) == (placed["ordId"], "live", "0.001")
    assert [one["ordId"] for one in rows(okx.trade.get_order_list())] == [placed["ordId"]]
    (amended,) = rows(okx.trade.amend_order(SPOT, ordId=placed["ordId"], newSz="0.002"))
    assert amended["sCode"] == "0"
    (canceled,) = rows(okx.trade.cancel_order(SPOT, ordId=placed["ordId"], clOrdId="life1"))
    assert canceled["ordId"] == placed["ordId"]
    (order,) = rows(okx.trade.get_order(SPOT, ordId=placed["ordId"]))
    assert (order["state"], order["cancelSource"], order["sz"]) == ("canceled", "1", "0.002")
    assert rows(okx.trade.get_orders_history("SPOT"))[0]["clOrdId"] == "life1"


def test_fills_and_bills(okx: SimpleNamespace) -> None:
    (placed,) = rows(okx.trade.place_order(SPOT, "cash", "buy", "market", "100", clOrdId="fill1"))
    (order,) = rows(okx.trade.get_order(SPOT, clOrdId="fill1"))
    assert (order["state"], order["feeCcy"]) == ("filled", "BTC")
    (fill,) = rows(okx.trade.get_fills(ordId=placed["ordId"]))
    assert (fill["fillSz"], fill["execType"]) == (order["accFillSz"], "T")
    assert rows(okx.trade.get_fills_history("SPOT"))
    assert rows(okx.account.get_account_bills(instType="SPOT"))
    assert rows(okx.account.get_account_bills_archive())


def test_batch_answers_in_order(okx: SimpleNamespace) -> None:
    good = {"instId": SPOT, "tdMode": "cash", "side": "buy", "ordType": "limit"}
    good |= {"sz": "0.001", "px": "96000"}
    answer = okx.trade.place_multiple_orders([good, {**good, "sz": "0"}, good])
    assert answer["code"] == "2"
    assert [row["sCode"] for row in answer["data"]] == ["0", "51000", "0"]
    named = [{"instId": SPOT, "ordId": row["ordId"]} for row in answer["data"] if row["ordId"]]
    assert len(rows(okx.trade.cancel_multiple_orders(named))) == 2


def test_account_and_position(okx: SimpleNamespace) -> None:
    (config,) = rows(okx.account.get_account_config())
    assert (config["perm"], config["posMode"]) == ("read_only,trade", "net_mode")
    rows(okx.account.set_leverage("5", "isolated", instId=SWAP))
    assert rows(okx.account.get_leverage("isolated", instId=SWAP))[0]["lever"] == "5"
    rows(okx.trade.place_order(SWAP, "isolated", "sell", "market", "3"))
    (position,) = rows(okx.account.get_positions(instId=SWAP))
    assert (position["pos"], position["lever"], position["mgnMode"]) == ("-3", "5", "isolated")
    rows(okx.account.adjustment_margin(SWAP, "net", "add", "10"))
    rows(okx.trade.close_positions(SWAP, "isolated"))
    assert rows(okx.account.get_positions(instId=SWAP)) == []
    assert rows(okx.account.get_positions_history(instId=SWAP))[0]["direction"] == "short"
    assert rows(okx.account.get_max_order_size(SWAP, "cross"))
    assert rows(okx.account.get_max_avail_size(SPOT, "cash"))
    assert rows(okx.account.get_fee_rates("SPOT"))[0]["level"] == "Lv1"
    assert rows(okx.account.get_max_withdrawal("USDT"))
    assert rows(okx.account.get_max_loan(SPOT, "cross", "USDT"))
    assert rows(okx.account.get_position_risk())
    assert rows(okx.account.get_instruments("SPOT"))


def test_algo_order_life(okx: SimpleNamespace) -> None:
    (placed,) = rows(
        okx.trade.place_algo_order(
            SPOT, "cash", "sell", "conditional", "0.001", slTriggerPx="90000", slOrdPx="-1"
        )
    )
    algo_id = placed["algoId"]
    assert rows(okx.trade.order_algos_list("conditional"))[0]["algoId"] == algo_id
    rows(okx.trade.amend_algo_order(SPOT, algo_id, newSlTriggerPx="91000"))
    assert rows(okx.trade.get_algo_order_details(algo_id))[0]["slTriggerPx"] == "91000"
    rows(okx.trade.cancel_algo_order([{"instId": SPOT, "algoId": algo_id}]))
    assert rows(okx.trade.order_algos_history("conditional", "canceled"))[0]["algoId"] == algo_id


def test_funding_account(okx: SimpleNamespace) -> None:
    (moved,) = rows(okx.funding.funds_transfer("USDT", "5", "6", "18"))
    assert rows(okx.funding.transfer_state(moved["transId"]))[0]["state"] == "success"
    assert rows(okx.funding.get_balances("USDT"))[0]["ccy"] == "USDT"
    assert rows(okx.funding.get_currencies("BTC"))
    assert rows(okx.funding.get_asset_valuation("USDT"))
    assert rows(okx.funding.get_bills())
    assert rows(okx.funding.get_deposit_address("BTC"))[0]["addr"].startswith("simulated-")
    assert okx.funding.withdrawal("BTC", "1", "4", "nowhere")["code"] == "50120"
