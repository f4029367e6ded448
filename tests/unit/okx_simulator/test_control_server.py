import asyncio
import time
from typing import Any

import pytest

UID = "100000000000000001"
KEY = "00000000-0000-4000-8000-000000000001"
ORDER = {
    "instId": "BTC-USDT",
    "tdMode": "cash",
    "side": "buy",
    "ordType": "limit",
    "px": "99000",
    "sz": "0.001",
    "clOrdId": "a1",
}


async def test_it_says_when_it_is_up(running: Any) -> None:
    assert await running.control("GET", "/healthz") == (200, {"status": "ok"})


async def test_faults_are_shown_replaced_put_and_removed(running: Any) -> None:
    rules = [{"kind": "drop_after", "probability": 0.5}, {"name": "b", "kind": "garbled"}]
    status, body = await running.control("PUT", "/faults", {"faults": rules})
    assert status == 200
    assert [(row["name"], row["hits"]) for row in body["faults"]] == [("fault-1", 0), ("b", 0)]
    await running.control("PUT", "/faults/c", {"kind": "truncated"})
    _, body = await running.control("GET", "/faults")
    assert [row["name"] for row in body["faults"]] == ["fault-1", "b", "c"]
    await running.control("DELETE", "/faults/b")
    assert (await running.control("DELETE", "/faults/b"))[0] == 404
    _, body = await running.control("DELETE", "/faults")
    assert body == {"faults": [], "hits": {}}


@pytest.mark.parametrize(
    "body",
    [
        {},
        {"faults": {}},
        {"faults": [{"kind": "gremlin"}]},
        {"faults": [{"kind": "garbled", "name": "a"}, {"kind": "garbled", "name": "a"}]},
        {"faults": [{"kind": "garbled"}] * 101},
        [],
    ],
)
async def test_faults_that_cannot_be_read_change_nothing(running: Any, body: Any) -> None:
    await running.control("PUT", "/faults/a", {"kind": "truncated"})
    status, answer = await running.control("PUT", "/faults", body)
    assert status == 400
    assert answer["error"]
    _, shown = await running.control("GET", "/faults")
    assert [row["name"] for row in shown["faults"]] == ["a"]


async def test_the_log_is_paged(running: Any) -> None:
    for _ in range(5):
        await running.call("GET", "/api/v5/public/time")
    _, page = await running.control("GET", "/log?limit=3")
    assert [row["number"] for row in page["entries"]] == [1, 2, 3]
    _, page = await running.control("GET", f"/log?since={page['next']}")
    assert [row["number"] for row in page["entries"]] == [4, 5]
    assert (await running.control("GET", "/log?since=x"))[0] == 400


async def test_limits_show_their_worst_moment_until_they_are_emptied(running: Any) -> None:
    for _ in range(12):
        await running.call("GET", "/api/v5/public/time")
    _, body = await running.control("GET", "/limits")
    (row,) = body["limits"]
    assert (row["amount"], row["worst"], row["refused"]) == (10, 12, 2)
    await running.control("DELETE", "/limits")
    assert await running.control("GET", "/limits") == (200, {"limits": []})


async def test_orders_are_shown_with_their_fills(running: Any) -> None:
    await running.call("POST", "/api/v5/trade/order", ORDER)
    market = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "market"}
    await running.call("POST", "/api/v5/trade/order", market | {"sz": "100"})
    _, body = await running.control("GET", f"/orders?uid={UID}")
    resting, filled = body["orders"]
    assert (resting["clOrdId"], resting["state"], resting["fills"]) == ("a1", "live", [])
    assert filled["state"] == "filled"
    assert sum(float(fill["fillSz"]) for fill in filled["fills"]) == pytest.approx(
        float(filled["accFillSz"])
    )
    _, body = await running.control("GET", f"/orders?uid={UID}&after={resting['ordId']}")
    assert [order["ordId"] for order in body["orders"]] == [filled["ordId"]]
    assert (await running.control("GET", "/orders?uid=9"))[0] == 404


async def test_a_price_that_is_moved_fills_what_it_crosses(running: Any) -> None:
    socket = await running.trader()
    await socket.say(op="subscribe", args=[{"channel": "orders", "instType": "SPOT"}])
    await running.call("POST", "/api/v5/trade/order", ORDER)
    status, _ = await running.control("POST", "/price", {"inst_id": "BTC-USDT", "price": "98000"})
    assert status == 200
    push = await socket.frame(channel="orders", event=None)
    assert push["data"][0]["state"] == "live"
    for _ in range(5):
        push = await socket.frame(channel="orders", event=None)
        if push["data"][0]["state"] == "filled":
            break
    assert (push["data"][0]["state"], push["data"][0]["execType"]) == ("filled", "M")


@pytest.mark.parametrize(
    ("body", "expected"),
    [
        ({"inst_id": "BTC-USDT", "price": "much"}, 400),
        ({"inst_id": "BTC-USDT", "price": "-1"}, 400),
        ({"inst_id": "BTC-USDT", "price": "NaN"}, 400),
        ({"inst_id": "BTC-USDT"}, 400),
        ({"inst_id": "NO-SUCH", "price": "1"}, 404),
        ({"inst_id": 5, "price": "1"}, 400),
    ],
)
async def test_a_price_that_makes_no_sense_is_refused(
    running: Any, body: Any, expected: int
) -> None:
    assert (await running.control("POST", "/price", body))[0] == expected


async def test_the_clock_is_set_and_shown(running: Any) -> None:
    assert await running.control("GET", "/clock") == (200, {"offset_ms": 0})
    await running.control("POST", "/clock", {"offset_ms": -40_000})
    assert await running.control("GET", "/clock") == (200, {"offset_ms": -40_000})
    _, body = await running.call("GET", "/api/v5/public/time")
    assert -41_000 < int(body["data"][0]["ts"]) - time.time() * 1000 < -39_000
    assert (await running.control("POST", "/clock", {"offset_ms": "1"}))[0] == 400


async def test_sockets_are_shown_and_disconnected_by_url_and_account(running: Any) -> None:
    public, private = await running.socket("public"), await running.trader()
    _, body = await running.control("GET", "/sockets")
    assert {(row["url"], row["uid"]) for row in body["sockets"]} == {
        ("public", ""),
        ("private", UID),
    }
    assert body["accepted"] == 2
    status, body = await running.control("POST", "/disconnect", {"uid": UID, "code": 4007})
    assert (status, body) == (200, {"sockets": 1})
    assert await private.close_code() == 4007
    assert await running.control("POST", "/disconnect", {"url": "private"}) == (200, {"sockets": 0})
    assert await running.control("POST", "/disconnect") == (200, {"sockets": 1})
    assert await public.close_code() is None
    assert (await running.control("POST", "/disconnect", {"code": 1}))[0] == 400


async def test_a_notice_goes_to_public_and_private_and_may_end_in_a_close(running: Any) -> None:
    public, business = await running.socket("public"), await running.socket("business")
    answer = await running.control("POST", "/notice", {"close_after_ms": 100})
    assert answer == (200, {"sockets": 1})
    notice = await public.frame()
    assert (notice["event"], notice["code"]) == ("notice", "64008")
    assert notice["msg"].endswith("Please reconnect.")
    assert await public.close_code() == 1001
    with pytest.raises(TimeoutError):
        await business.text(0.1)
    assert (await running.control("POST", "/notice", {"close_after_ms": -1}))[0] == 400


async def test_a_relisting_changes_the_code_of_an_instrument(running: Any) -> None:
    before = running.code_of("BTC-USDT")
    status, body = await running.control("POST", "/relist", {"inst_id": "BTC-USDT"})
    assert status == 200
    assert running.code_of("BTC-USDT") == body["inst_id_code"] != before
    assert (await running.control("POST", "/relist", {"inst_id": "NO-SUCH"}))[0] == 404


async def test_a_revoked_key_closes_its_sockets_and_signs_nothing_more(running: Any) -> None:
    private, public = await running.trader(), await running.socket("public")
    assert await running.control("POST", "/revoke", {"key": KEY}) == (200, {"sockets": 1})
    assert await private.close_code() == 4007
    _, body = await running.call("GET", "/api/v5/account/config")
    assert body["code"] == "50119"
    await public.websocket.send_str("ping")
    assert await public.text() == "pong"
    assert (await running.control("POST", "/revoke", {"key": KEY}))[0] == 404


async def test_maintenance_is_announced_over_rest_and_sockets(running: Any) -> None:
    socket = await running.socket("public")
    await socket.say(op="subscribe", args=[{"channel": "status"}])
    await socket.frame(event="subscribe")
    row = {"title": "upgrade", "state": "scheduled", "begin": "1", "end": "2", "serviceType": "0"}
    status, _ = await running.control("PUT", "/maintenance", {"rows": [row]})
    assert status == 200
    assert (await socket.frame(channel="status", event=None))["data"] == [row]
    _, body = await running.call("GET", "/api/v5/system/status")
    assert body["data"] == [row]
    assert (await running.control("PUT", "/maintenance", {"rows": [{}]}))[0] == 400


async def test_what_is_no_json_is_refused(running: Any) -> None:
    url = f"http://127.0.0.1:{running.control_port}/clock"
    async with running.http.post(url, data="{") as answer:
        assert answer.status == 400
    assert (await running.control("GET", "/nowhere"))[0] == 404
    await asyncio.sleep(0)
