"""python-okx's own WebSocket classes, unmodified but for the URL and the trusted certificate."""

import asyncio
import json
import time
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager
from typing import Any

import pytest
import requests
from okx.websocket.WsPrivateAsync import WsPrivateAsync
from okx.websocket.WsPublicAsync import WsPublicAsync

from okx_simulator.account.accounts_file import DEFAULT_ACCOUNTS

UID = DEFAULT_ACCOUNTS[0].uid


class Heard:
    """What a client's callback was given, in order."""

    def __init__(self) -> None:
        self._queue: asyncio.Queue[Any] = asyncio.Queue()

    def __call__(self, message: str) -> None:
        self._queue.put_nowait(json.loads(message))

    async def frame(self, **wanted: Any) -> Any:
        """Return the next frame that has these values; `channel` names that of its arg."""
        async with asyncio.timeout(10):
            while True:
                frame = await self._queue.get()
                named = frame | {"channel": frame.get("arg", {}).get("channel")}
                if all(named.get(name) == value for name, value in wanted.items()):
                    return frame


@pytest.fixture(autouse=True)
def trust(simulated: Any, monkeypatch: pytest.MonkeyPatch) -> Iterator[None]:
    monkeypatch.setenv("SSL_CERT_FILE", str(simulated.certificate))
    yield
    # Connects are limited to three per second and address.
    time.sleep(0.4)


@asynccontextmanager
async def _consuming(client: Any) -> AsyncIterator[Heard]:
    heard = Heard()
    client.callback = heard
    consuming = await client.start()
    try:
        yield heard
    finally:
        await client.stop()
        await asyncio.wait([consuming], timeout=5)


@asynccontextmanager
async def _private(simulated: Any) -> AsyncIterator[tuple[Any, Heard]]:
    url = f"wss://{simulated.secure_host}/ws/v5/private"
    client = WsPrivateAsync(
        apiKey=simulated.key, passphrase=simulated.passphrase, secretKey=simulated.secret, url=url
    )
    async with _consuming(client) as heard:
        await client.login()
        assert (await heard.frame(event="login"))["code"] == "0"
        yield client, heard


def _code_of(simulated: Any, inst_type: str, inst_id: str) -> int:
    url = f"{simulated.url}/api/v5/public/instruments"
    params = {"instType": inst_type, "instId": inst_id}
    code: int = requests.get(url, params=params, timeout=5).json()["data"][0]["instIdCode"]
    return code


async def test_tickers_and_books_are_watched(simulated: Any) -> None:
    client = WsPublicAsync(url=f"wss://{simulated.secure_host}/ws/v5/public")
    async with _consuming(client) as heard:
        args = [
            {"channel": "tickers", "instId": "BTC-USDT"},
            {"channel": "books", "instId": "ETH-USDT-SWAP"},
        ]
        await client.subscribe(args, heard, id="1")
        assert (await heard.frame(event="subscribe"))["id"] == "1"
        assert float((await heard.frame(channel="tickers", event=None))["data"][0]["last"]) > 0
        assert (await heard.frame(channel="books", event=None))["action"] == "snapshot"
        assert (await heard.frame(channel="books", event=None))["action"] == "update"
        await client.unsubscribe(args, heard)
        await heard.frame(event="unsubscribe")


async def test_candles_are_watched_on_the_business_url(simulated: Any) -> None:
    client = WsPublicAsync(url=f"wss://{simulated.secure_host}/ws/v5/business")
    async with _consuming(client) as heard:
        await client.subscribe([{"channel": "candle1m", "instId": "BTC-USDT"}], heard)
        push = await heard.frame(channel="candle1m", event=None)
        assert len(push["data"][0]) == 9


async def test_its_own_subscribe_logs_in_and_gets_the_account(simulated: Any) -> None:
    url = f"wss://{simulated.secure_host}/ws/v5/private"
    client = WsPrivateAsync(
        apiKey=simulated.key, passphrase=simulated.passphrase, secretKey=simulated.secret, url=url
    )
    async with _consuming(client) as heard:
        await client.subscribe([{"channel": "account"}], heard)
        push = await heard.frame(channel="account", event=None)
        assert push["arg"]["uid"] == UID
        assert push["eventType"] == "snapshot"


async def test_an_order_lives_and_dies_and_is_pushed(simulated: Any) -> None:
    code = _code_of(simulated, "SPOT", "BTC-USDT")
    async with _private(simulated) as (client, heard):
        await client.send("subscribe", [{"channel": "orders", "instType": "ANY"}])
        assert (await heard.frame(event="channel-conn-count"))["channel"] == "orders"
        order = {
            "instIdCode": code,
            "tdMode": "cash",
            "side": "buy",
            "ordType": "limit",
            "px": "96000",
            "sz": "0.001",
            "clOrdId": "pyokx1",
        }
        await client.place_order([order], id="1")
        placed = await heard.frame(id="1")
        assert (placed["code"], placed["data"][0]["sCode"]) == ("0", "0")
        assert (await heard.frame(channel="orders"))["data"][0]["state"] == "live"
        named = {"instIdCode": code, "clOrdId": "pyokx1"}
        await client.amend_order([named | {"newSz": "0.002"}], id="2")
        assert (await heard.frame(id="2"))["data"][0]["sCode"] == "0"
        assert (await heard.frame(channel="orders"))["data"][0]["amendResult"] == "0"
        await client.cancel_order([named], id="3")
        assert (await heard.frame(id="3"))["data"][0]["sCode"] == "0"
        gone = (await heard.frame(channel="orders"))["data"][0]
        assert (gone["state"], gone["clOrdId"], gone["cancelSource"]) == ("canceled", "pyokx1", "1")


async def test_a_market_order_is_filled_and_the_balance_follows(simulated: Any) -> None:
    code = _code_of(simulated, "SPOT", "BTC-USDT")
    async with _private(simulated) as (client, heard):
        args = [{"channel": "orders", "instType": "SPOT"}, {"channel": "account"}]
        await client.send("subscribe", [*args, {"channel": "balance_and_position"}])
        assert (await heard.frame(channel="account", event=None))["eventType"] == "snapshot"
        order = {"instIdCode": code, "tdMode": "cash", "side": "buy", "ordType": "market"}
        await client.batch_orders([order | {"sz": "100"}], id="1")
        assert (await heard.frame(id="1"))["code"] == "0"
        states: list[str] = []
        while not states or states[-1] != "filled":
            states.append((await heard.frame(channel="orders", event=None))["data"][0]["state"])
        assert states[0] == "live"
        both = (await heard.frame(channel="balance_and_position", event=None))["data"][0]
        assert both["eventType"] == "filled"
        update = await heard.frame(channel="account", eventType="event_update")
        assert {"BTC", "USDT"} == {row["ccy"] for row in update["data"][0]["details"]}


async def test_a_position_is_pushed(simulated: Any) -> None:
    code = _code_of(simulated, "SWAP", "ETH-USDT-SWAP")
    async with _private(simulated) as (client, heard):
        await client.send("subscribe", [{"channel": "positions", "instType": "SWAP"}])
        await heard.frame(channel="positions", event=None)
        order = {"instIdCode": code, "tdMode": "cross", "side": "buy", "ordType": "market"}
        await client.place_order([order | {"sz": "1"}], id="1")
        assert (await heard.frame(id="1"))["code"] == "0"
        push = await heard.frame(channel="positions", eventType="event_update")
        assert (push["data"][0]["instId"], push["data"][0]["pos"]) == ("ETH-USDT-SWAP", "1")


async def test_a_wrong_secret_is_refused(simulated: Any) -> None:
    url = f"wss://{simulated.secure_host}/ws/v5/private"
    client = WsPrivateAsync(
        apiKey=simulated.key, passphrase=simulated.passphrase, secretKey="wrong", url=url
    )
    heard = Heard()
    client.callback = heard
    consuming = await client.start()
    await client.login()
    assert (await heard.frame(event="error"))["code"] == "60007"
    with pytest.raises(Exception, match="4001"):
        await consuming
