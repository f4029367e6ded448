import asyncio
import io
from datetime import UTC, datetime
from typing import Any

from yarl import URL

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS
from okx_simulator.check import signature
from okx_simulator.rest.http_server import BODY_BYTES_MAX

KEY = DEFAULT_ACCOUNTS[0].keys[0]


def url(running: Any, target: str) -> URL:
    return URL(f"http://127.0.0.1:{running.port}{target}", encoded=True)


async def test_a_request_is_signed_over_the_bytes_of_its_target(running: Any) -> None:
    target = "/api/v5/account/balance?ccy=BTC%2cETH&x=%20"
    now = datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")
    headers = {
        "Ok-Access-Key": KEY.key,
        "OK-ACCESS-SIGN": signature(KEY.secret, f"{now}GET{target}".encode()),
        "ok-access-timestamp": now,
        "OK-ACCESS-PASSPHRASE": KEY.passphrase,
    }
    async with running.http.get(url(running, target), headers=headers) as answer:
        assert answer.content_type == "application/json"
        body = await answer.json()
    assert [detail["ccy"] for detail in body["data"][0]["details"]] == ["BTC", "ETH"]


async def test_time_moves_while_nobody_calls(running: Any) -> None:
    market = running.simulator.exchange.market
    step = market.step
    await asyncio.sleep(0.25)
    assert market.step > step


async def test_bodies_are_bounded(running: Any) -> None:
    body = io.BytesIO(b"x" * (BODY_BYTES_MAX + 1))
    async with running.http.post(url(running, "/api/v5/trade/order"), data=body) as answer:
        assert answer.status == 413


async def test_every_method_is_answered(running: Any) -> None:
    async with running.http.delete(url(running, "/api/v5/trade/order")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (405, "50115")
    async with running.http.put(url(running, "/api/v5/nowhere")) as answer:
        assert (answer.status, (await answer.json())["code"]) == (404, "404")
