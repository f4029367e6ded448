import asyncio
import json
import time
from typing import Any

import pytest


def _order(running: Any, **words: Any) -> dict[str, Any]:
    """A small order that rests below the market."""
    order = {
        "instIdCode": running.code_of("BTC-USDT"),
        "tdMode": "cash",
        "side": "buy",
        "ordType": "limit",
        "px": "99000",
        "sz": "0.001",
        "clOrdId": "a1",
    }
    return order | words


async def _orders(running: Any) -> list[Any]:
    _, body = await running.control("GET", "/orders?uid=100000000000000001")
    orders: list[Any] = body["orders"]
    return orders


async def _put(running: Any, **fault: Any) -> None:
    status, body = await running.control("PUT", "/faults/it", fault)
    assert status == 200, body


async def _hits(running: Any) -> int:
    _, body = await running.control("GET", "/faults")
    return int(body["faults"][0]["hits"])


async def test_an_order_is_placed_amended_and_cancelled(running: Any) -> None:
    socket = await running.trader()
    placed = await socket.ask(id="1", op="order", args=[_order(running)])
    assert (placed["op"], placed["code"], placed["data"][0]["sCode"]) == ("order", "0", "0")
    assert int(placed["outTime"]) >= int(placed["inTime"]) > 10**15
    by_id = {"instIdCode": running.code_of("BTC-USDT"), "ordId": placed["data"][0]["ordId"]}
    amended = await socket.ask(id="2", op="amend-order", args=[by_id | {"newSz": "0.002"}])
    assert amended["data"][0]["sCode"] == "0"
    cancelled = await socket.ask(id="3", op="cancel-order", args=[by_id])
    assert cancelled["data"][0]["sCode"] == "0"
    (order,) = await _orders(running)
    assert (order["state"], order["sz"], order["clOrdId"]) == ("canceled", "0.002", "a1")


async def test_batches_answer_each_order_in_turn(running: Any) -> None:
    socket = await running.trader()
    orders = [_order(running), _order(running, clOrdId="a2", sz="0")]
    placed = await socket.ask(id="1", op="batch-orders", args=orders)
    assert placed["code"] == "2"
    assert [row["sCode"] == "0" for row in placed["data"]] == [True, False]
    code = running.code_of("BTC-USDT")
    named = [{"instIdCode": code, "clOrdId": "a1"}]
    amended = await socket.ask(
        id="2", op="batch-amend-orders", args=[named[0] | {"newPx": "98000"}]
    )
    assert amended["code"] == "0"
    cancelled = await socket.ask(id="3", op="batch-cancel-orders", args=named)
    assert cancelled["code"] == "0"


async def test_the_code_of_an_instrument_is_needed_and_its_name_is_ignored(running: Any) -> None:
    socket = await running.trader()
    order = _order(running, instId="BTC-USDT")
    del order["instIdCode"]
    missing = await socket.ask(id="1", op="order", args=[order])
    assert (missing["code"], missing["data"][0]["sCode"]) == ("1", "50014")
    assert missing["data"][0]["sMsg"] == "Parameter instIdCode can not be empty."
    unknown = await socket.ask(id="2", op="order", args=[_order(running, instIdCode=1)])
    assert unknown["data"][0]["sCode"] == "51001"
    other = _order(running, instId="ETH-USDT")
    assert (await socket.ask(id="3", op="order", args=[other]))["code"] == "0"
    assert [order["instId"] for order in await _orders(running)] == ["BTC-USDT"]


async def test_the_answer_comes_before_the_pushes_it_causes(running: Any) -> None:
    socket = await running.trader()
    await socket.say(op="subscribe", args=[{"channel": "orders", "instType": "ANY"}])
    assert (await socket.frame(event="channel-conn-count"))["connCount"] == "1"
    await socket.say(id="1", op="order", args=[_order(running)])
    answer, push = await socket.frame(), await socket.frame()
    assert answer["id"] == "1"
    assert (push["arg"]["channel"], push["data"][0]["state"]) == ("orders", "live")


async def test_an_order_that_expired_is_refused_when_it_arrives(running: Any) -> None:
    socket = await running.trader()
    past = str(int(time.time() * 1000) - 1000)
    refused = await socket.ask(id="1", op="order", expTime=past, args=[_order(running)])
    assert (refused["code"], refused["data"]) == ("50036", [])
    assert await _orders(running) == []


async def test_orders_need_the_private_url_and_a_login(running: Any) -> None:
    public, private = await running.socket("public"), await running.socket("private")
    refused = await public.ask(id="1", op="order", args=[_order(running)])
    assert (refused["event"], refused["code"]) == ("error", "60028")
    refused = await private.ask(id="2", op="order", args=[_order(running)])
    assert (refused["event"], refused["code"]) == ("error", "60011")


async def test_the_61st_order_within_two_seconds_is_refused_over_both_doors(running: Any) -> None:
    socket = await running.trader()
    for n in range(60):
        await socket.say(id=str(n), op="order", args=[_order(running, clOrdId=f"a{n}")])
    over = await socket.ask(id="60", op="order", args=[_order(running, clOrdId="over")])
    assert (over["code"], over["data"]) == ("50011", [])
    order = {key: word for key, word in _order(running).items() if key != "instIdCode"}
    status, body = await running.call("POST", "/api/v5/trade/order", order | {"instId": "BTC-USDT"})
    assert (status, body) == (429, {"msg": "Too Many Requests", "code": "50011"})
    assert len(await _orders(running)) == 60


async def test_a_batch_over_the_limit_in_part_is_refused_in_part(running: Any) -> None:
    socket = await running.trader()
    for n in range(14):
        args = [_order(running, clOrdId=f"a{n}x{m}") for m in range(20)]
        await socket.say(id=str(n), op="batch-orders", args=args)
    args = [_order(running, clOrdId=f"b{m}") for m in range(19)]
    assert (await socket.ask(id="14", op="batch-orders", args=args))["code"] == "0"
    args = [_order(running, clOrdId=f"c{m}") for m in range(3)]
    over = await socket.ask(id="15", op="batch-orders", args=args)
    assert (over["code"], [row["sCode"] for row in over["data"]]) == ("2", ["0", "50011", "50011"])


async def test_nonsense_is_answered_and_the_socket_lives_on(running: Any) -> None:
    socket = await running.socket("public")
    await socket.websocket.send_str("nonsense")
    assert (await socket.frame())["code"] == "60012"
    await socket.say(op="conquer", args=[{}])
    assert (await socket.frame())["code"] == "60019"
    await socket.websocket.send_bytes(b"ping")
    assert await socket.text() == "pong"


async def test_every_request_is_logged_without_a_secret(running: Any) -> None:
    socket = await running.trader()
    await socket.ask(id="1", op="order", args=[_order(running)])
    _, body = await running.control("GET", "/log")
    login, order = body["entries"]
    assert (login["target"], login["method"], login["code"]) == ("login", "private", "0")
    assert login["orders"] == []
    assert (order["door"], order["target"], order["uid"]) == ("ws", "order", "100000000000000001")
    assert order["orders"][0]["inst_id"] == "BTC-USDT"
    assert (order["orders"][0]["cl_ord_id"], order["orders"][0]["code"]) == ("a1", "0")
    assert order["answered_us"] >= order["arrived_us"]
    assert "Simulator-1" not in json.dumps(body)


@pytest.mark.parametrize(("kind", "count"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_lost_reply_loses_the_connection(running: Any, kind: str, count: int) -> None:
    socket = await running.trader()
    await _put(running, kind=kind, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    assert await socket.close_code() is None
    assert len(await _orders(running)) == count
    assert await _hits(running) == 1
    _, body = await running.control("GET", "/log")
    assert body["entries"][-1]["fault"] == "it"


@pytest.mark.parametrize(("kind", "count"), [("code_before", 0), ("code_after", 1)])
async def test_an_error_code_comes_with_or_without_the_order(
    running: Any, kind: str, count: int
) -> None:
    socket = await running.trader()
    await _put(running, kind=kind, code="50004", match={"op": "order"})
    answer = await socket.ask(id="1", op="order", args=[_order(running)])
    assert (answer["code"], answer["data"], answer["op"]) == ("50004", [], "order")
    assert answer["msg"].startswith("API endpoint request timeout")
    assert len(await _orders(running)) == count


async def test_an_error_code_may_stand_in_the_rows(running: Any) -> None:
    socket = await running.trader()
    await _put(running, kind="code_before", code="50061", in_rows=True)
    answer = await socket.ask(id="1", op="order", args=[_order(running)])
    assert (answer["code"], answer["data"][0]["sCode"]) == ("1", "50061")
    assert (answer["data"][0]["clOrdId"], answer["data"][0]["ordId"]) == ("a1", "")


async def test_an_error_code_refuses_a_subscription_too(running: Any) -> None:
    socket = await running.socket("public")
    await _put(running, kind="code_before", code="60014", match={"op": "subscribe"})
    await socket.say(id="1", op="subscribe", args=[{"channel": "status"}])
    refused = await socket.frame()
    assert (refused["event"], refused["code"], refused["id"]) == ("error", "60014", "1")


@pytest.mark.parametrize("kind", ["truncated", "garbled"])
async def test_a_spoiled_answer_is_no_json_though_the_order_was_taken(
    running: Any, kind: str
) -> None:
    socket = await running.trader()
    await _put(running, kind=kind, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    with pytest.raises(ValueError, match=r"."):
        json.loads(await socket.text())
    assert len(await _orders(running)) == 1


async def test_latency_delays_one_answer_and_not_the_others(running: Any) -> None:
    socket = await running.trader()
    await _put(
        running, kind="latency_before", wait={"fixed_ms": 200}, count=1, match={"op": "order"}
    )
    began_s = time.monotonic()
    await socket.say(id="slow", op="order", args=[_order(running)])
    await socket.say(id="fast", op="order", args=[_order(running, clOrdId="a2")])
    assert (await socket.frame())["id"] == "fast"
    assert (await socket.frame())["id"] == "slow"
    assert time.monotonic() - began_s >= 0.2


@pytest.mark.parametrize(("kind", "taken"), [("latency_before", 0), ("latency_after", 1)])
async def test_latency_lies_before_or_after_the_engine(running: Any, kind: str, taken: int) -> None:
    socket = await running.trader()
    await _put(running, kind=kind, wait={"fixed_ms": 300}, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    await asyncio.sleep(0.1)
    assert len(await _orders(running)) == taken
    assert (await socket.frame())["id"] == "1"
    assert len(await _orders(running)) == 1


async def test_a_late_delivery_reaches_the_engine_after_the_connection_is_lost(
    running: Any,
) -> None:
    socket = await running.trader()
    await _put(running, kind="late", wait={"fixed_ms": 200}, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    assert await socket.close_code() is None
    assert await _orders(running) == []
    await asyncio.sleep(0.3)
    assert len(await _orders(running)) == 1


async def test_a_late_delivery_past_its_expiry_is_refused(running: Any) -> None:
    socket = await running.trader()
    await _put(running, kind="late", wait={"fixed_ms": 250}, match={"op": "order"})
    soon = str(int(time.time() * 1000) + 100)
    await socket.say(id="1", op="order", expTime=soon, args=[_order(running)])
    await asyncio.sleep(0.4)
    assert await _orders(running) == []
    _, body = await running.control("GET", "/log")
    assert body["entries"][-1]["orders"][0]["code"] == "50037"


@pytest.mark.parametrize(("kind", "count"), [("half_open", 0), ("half_open_after", 1)])
async def test_a_half_open_socket_takes_everything_and_answers_nothing(
    running: Any, kind: str, count: int
) -> None:
    socket = await running.trader()
    await _put(running, kind=kind, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    await socket.websocket.send_str("ping")
    await socket.websocket.ping()
    with pytest.raises(TimeoutError):
        await socket.text(0.3)
    assert not socket.websocket.closed
    assert len(await _orders(running)) == count
    _, body = await running.control("GET", "/sockets")
    assert len(body["sockets"]) == 1


async def test_an_answer_may_be_lost_or_be_to_no_request_while_the_socket_lives_on(
    running: Any,
) -> None:
    socket = await running.trader()
    await _put(running, kind="lose_answer", count=1, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    await socket.websocket.send_str("ping")
    assert await socket.text() == "pong"
    await _put(running, kind="wrong_id", count=1, match={"op": "order"})
    await socket.say(id="2", op="order", args=[_order(running, clOrdId="a2")])
    assert (await socket.frame(op="order"))["id"] == "2x"
    right = await socket.ask(id="3", op="order", args=[_order(running, clOrdId="a3")])
    assert right["id"] == "3"
    assert [order["clOrdId"] for order in await _orders(running)] == ["a1", "a2", "a3"]


async def test_numbers_of_instruments_can_be_refused_on_sockets_alone(running: Any) -> None:
    socket = await running.trader()
    match = {"door": "ws", "op": "*order*"}
    await _put(running, kind="code_before", code="51001", in_rows=True, match=match)
    refused = await socket.ask(id="1", op="order", args=[_order(running)])
    assert (refused["code"], refused["data"][0]["sCode"]) == ("1", "51001")
    assert refused["data"][0]["clOrdId"] == "a1"
    by_id = {"instIdCode": running.code_of("BTC-USDT"), "clOrdId": "a1"}
    refused = await socket.ask(id="2", op="cancel-order", args=[by_id])
    assert refused["data"][0]["sCode"] == "51001"
    order = {key: word for key, word in _order(running).items() if key != "instIdCode"}
    _, taken = await running.call("POST", "/api/v5/trade/order", order | {"instId": "BTC-USDT"})
    assert taken["data"][0]["sCode"] == "0"
    assert len(await _orders(running)) == 1


@pytest.mark.parametrize("pong", [True, False])
async def test_a_stalled_socket_sends_no_data_but_perhaps_pongs(
    *, running: Any, pong: bool
) -> None:
    socket = await running.socket("public")
    await socket.say(op="subscribe", args=[{"channel": "tickers", "instId": "BTC-USDT"}])
    await socket.frame(channel="tickers", event=None)
    await _put(running, kind="stall", pong=pong, match={"url": "public"})
    await asyncio.sleep(0.3)
    while not socket.websocket.closed:
        try:
            await socket.text(0.05)
        except TimeoutError:
            break
    await socket.websocket.send_str("ping")
    if pong:
        assert await socket.text() == "pong"
    with pytest.raises(TimeoutError):
        await socket.text(0.4)
    assert await _hits(running) == 1


async def test_a_push_is_lost_or_repeated(running: Any) -> None:
    socket = await running.trader()
    await socket.say(op="subscribe", args=[{"channel": "orders", "instType": "ANY"}])
    await socket.frame(event="channel-conn-count")
    await _put(running, kind="lose_push", count=1, match={"channel": "orders"})
    await socket.ask(id="1", op="order", args=[_order(running)])
    await _put(running, kind="repeat_push", count=1, match={"channel": "orders"})
    await socket.ask(id="2", op="order", args=[_order(running, clOrdId="a2")])
    pushes = [await socket.frame(channel="orders", event=None) for _ in range(2)]
    assert [push["data"][0]["clOrdId"] for push in pushes] == ["a2", "a2"]


async def test_the_first_push_may_be_lost_like_any_other(running: Any) -> None:
    socket = await running.socket("public")
    await _put(running, kind="lose_push", count=1, match={"channel": "books"})
    await socket.say(op="subscribe", args=[{"channel": "books", "instId": "BTC-USDT"}])
    assert (await socket.frame(channel="books"))["event"] == "subscribe"
    assert (await socket.frame(channel="books", event=None))["action"] == "update"


async def test_a_notice_and_a_disconnect_can_be_had_by_a_request(running: Any) -> None:
    socket, other = await running.trader(), await running.socket("public")
    await _put(running, kind="notice", match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    notice = await socket.frame()
    assert (notice["event"], notice["code"]) == ("notice", "64008")
    assert (await socket.frame())["id"] == "1"
    await _put(running, kind="disconnect", match={"op": "order"})
    await socket.say(id="2", op="order", args=[_order(running, clOrdId="a2")])
    assert await socket.close_code() is None
    assert await other.close_code() is None


async def test_a_subscription_that_waited_for_a_lost_socket_does_not_begin(running: Any) -> None:
    socket = await running.trader()
    await _put(running, kind="latency_before", wait={"fixed_ms": 150}, match={"op": "subscribe"})
    await socket.say(op="subscribe", args=[{"channel": "account"}])
    await socket.websocket.close()
    await asyncio.sleep(0.3)
    await running.control("DELETE", "/faults")
    other = await running.trader()
    await other.say(op="subscribe", args=[{"channel": "account"}])
    assert (await other.frame(event="channel-conn-count"))["connCount"] == "1"


async def test_requests_that_wait_end_with_the_simulator(start: Any) -> None:
    running = await start()
    socket = await running.trader()
    await _put(running, kind="latency_before", wait={"fixed_ms": 60_000}, match={"op": "order"})
    await socket.say(id="1", op="order", args=[_order(running)])
    await asyncio.sleep(0.05)
    began_s = time.monotonic()
    await running.simulator.__aexit__(None, None, None)
    assert time.monotonic() - began_s < 3
