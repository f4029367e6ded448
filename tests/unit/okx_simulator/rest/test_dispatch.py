import asyncio
import json
import time
from typing import Any

import aiohttp
import pytest

ORDER_PATH = "/api/v5/trade/order"
UID = "100000000000000001"


def _order(**words: Any) -> dict[str, Any]:
    order = {"instId": "BTC-USDT", "tdMode": "cash", "side": "buy", "ordType": "limit"}
    return order | {"px": "99000", "sz": "0.001", "clOrdId": "a1"} | words


async def _place(running: Any, **headers: str) -> tuple[int, Any]:
    answer: tuple[int, Any] = await running.call("POST", ORDER_PATH, _order(), **headers)
    return answer


async def _order_count(running: Any) -> int:
    _, body = await running.control("GET", f"/orders?uid={UID}")
    return len(body["orders"])


async def _put(running: Any, **fault: Any) -> None:
    status, body = await running.control(
        "PUT", "/faults/it", {"match": {"path": ORDER_PATH}} | fault
    )
    assert status == 200, body


async def _last_entry(running: Any) -> Any:
    _, body = await running.control("GET", "/log")
    return body["entries"][-1]


async def test_without_a_fault_an_order_is_taken_and_logged(running: Any) -> None:
    status, body = await _place(running)
    assert (status, body["code"], body["data"][0]["sCode"]) == (200, "0", "0")
    entry = await _last_entry(running)
    assert (entry["door"], entry["method"], entry["target"]) == ("rest", "POST", ORDER_PATH)
    assert (entry["uid"], entry["code"], entry["fault"]) == (UID, "0", "")
    order = entry["orders"][0]
    assert (order["cl_ord_id"], order["code"], order["size"]) == ("a1", "0", "0.001")
    assert order["ord_id"] == body["data"][0]["ordId"]


async def test_a_refused_request_is_logged_without_a_secret(running: Any) -> None:
    status, body = await _place(running, **{"OK-ACCESS-SIGN": "plantedsign"})
    assert (status, body["code"]) == (401, "50113")
    entry = await _last_entry(running)
    assert (entry["code"], entry["uid"]) == ("50113", "")
    _, log = await running.control("GET", "/log")
    assert "planted" not in json.dumps(log)
    assert "Simulator-1" not in json.dumps(log)


async def test_a_body_that_is_no_json_is_logged(running: Any) -> None:
    async with running.http.post(
        f"http://127.0.0.1:{running.port}{ORDER_PATH}",
        data="{",
        headers={"Content-Type": "application/json"},
    ) as answer:
        assert (await answer.json())["code"] == "50002"
    assert (await _last_entry(running))["code"] == "50002"


async def test_an_unknown_path_is_logged(running: Any) -> None:
    status, _ = await running.call("GET", "/api/v5/nowhere")
    assert status == 404
    assert (await _last_entry(running))["code"] == "404"


@pytest.mark.parametrize(("kind", "count"), [("drop_before", 0), ("drop_after", 1)])
async def test_a_lost_reply_loses_the_connection(running: Any, kind: str, count: int) -> None:
    await _put(running, kind=kind)
    with pytest.raises(aiohttp.ClientConnectionError):
        await _place(running)
    assert await _order_count(running) == count
    assert (await _last_entry(running))["fault"] == "it"


@pytest.mark.parametrize(
    ("code", "expected"), [("50004", 400), ("50001", 503), ("50013", 429), ("50026", 500)]
)
@pytest.mark.parametrize(("kind", "count"), [("code_before", 0), ("code_after", 1)])
async def test_an_error_code_comes_with_its_status_with_or_without_the_order(
    running: Any, code: str, expected: int, kind: str, count: int
) -> None:
    await _put(running, kind=kind, code=code)
    status, body = await _place(running)
    assert (status, body["code"], body["data"]) == (expected, code, [])
    assert body["msg"]
    assert await _order_count(running) == count


async def test_an_error_code_may_stand_in_the_rows(running: Any) -> None:
    await _put(running, kind="code_after", code="51149", in_rows=True)
    status, body = await _place(running)
    assert (status, body["code"]) == (200, "1")
    assert (body["data"][0]["sCode"], body["data"][0]["clOrdId"]) == ("51149", "a1")
    assert await _order_count(running) == 1


async def test_an_error_code_spoils_a_read_too(running: Any) -> None:
    await _put(running, kind="code_before", code="50026", match={"path": "/api/v5/public/*"})
    status, body = await running.call("GET", "/api/v5/public/time")
    assert (status, body["code"], body["data"]) == (500, "50026", [])


@pytest.mark.parametrize(("kind", "count"), [("html_before", 0), ("html_after", 1)])
async def test_a_bad_gateway_answers_in_html(running: Any, kind: str, count: int) -> None:
    await _put(running, kind=kind)
    status, body = await _place(running)
    assert status == 502
    assert body.startswith("<html>")
    assert await _order_count(running) == count


@pytest.mark.parametrize("kind", ["truncated", "garbled"])
async def test_a_spoiled_body_is_no_json_though_the_order_was_taken(
    running: Any, kind: str
) -> None:
    await _put(running, kind=kind)
    status, body = await _place(running)
    assert status == 200
    assert isinstance(body, str)
    assert await _order_count(running) == 1


@pytest.mark.parametrize(("kind", "taken"), [("latency_before", 0), ("latency_after", 1)])
async def test_latency_lies_before_or_after_the_engine(running: Any, kind: str, taken: int) -> None:
    await _put(running, kind=kind, wait={"fixed_ms": 300})
    placing = asyncio.create_task(_place(running))
    await asyncio.sleep(0.15)
    assert await _order_count(running) == taken
    assert (await placing)[1]["code"] == "0"
    assert await _order_count(running) == 1


async def test_a_request_on_its_way_has_not_arrived_yet(running: Any) -> None:
    await _put(
        running,
        kind="latency_on_way",
        wait={"fixed_ms": 300},
        match={"path": ORDER_PATH, "inst_id": "BTC-*"},
    )
    sent_us = time.time_ns() // 1_000
    placing = asyncio.create_task(_place(running))
    await asyncio.sleep(0.15)
    _, log = await running.control("GET", "/log")
    _, limits = await running.control("GET", "/limits")
    assert (log["entries"], limits["limits"]) == ([], [])
    assert (await placing)[1]["code"] == "0"
    entry = await _last_entry(running)
    assert entry["arrived_us"] - sent_us >= 300_000
    assert entry["fault"] == "it"


async def test_a_request_may_be_too_late_when_it_arrives(running: Any) -> None:
    await _put(running, kind="latency_on_way", wait={"fixed_ms": 150})
    _, body = await _place(running, expTime=str(int(time.time() * 1000) + 50))
    assert body["code"] == "50036"
    assert (await _last_entry(running))["fault"] == "it"


@pytest.mark.parametrize(("kind", "count"), [("half_open", 0), ("half_open_after", 1)])
async def test_a_half_open_connection_neither_answers_nor_closes(
    running: Any, kind: str, count: int
) -> None:
    await _put(running, kind=kind)
    placing = asyncio.create_task(_place(running))
    done, _ = await asyncio.wait([placing], timeout=0.4)
    assert not done
    assert await _order_count(running) == count
    placing.cancel()
    await asyncio.gather(placing, return_exceptions=True)


async def test_a_late_delivery_reaches_the_engine_after_the_connection_is_lost(
    running: Any,
) -> None:
    await _put(running, kind="late", wait={"fixed_ms": 200})
    with pytest.raises(aiohttp.ClientConnectionError):
        await _place(running)
    assert await _order_count(running) == 0
    await asyncio.sleep(0.3)
    assert await _order_count(running) == 1


async def test_a_late_delivery_past_its_expiry_is_refused(running: Any) -> None:
    await _put(running, kind="late", wait={"fixed_ms": 250})
    with pytest.raises(aiohttp.ClientConnectionError):
        await _place(running, expTime=str(int(time.time() * 1000) + 100))
    await asyncio.sleep(0.4)
    assert await _order_count(running) == 0
    assert (await _last_entry(running))["orders"][0]["code"] == "50037"


async def test_the_clock_can_jump_when_a_request_comes(running: Any) -> None:
    await _put(running, kind="clock_offset", offset_ms=90_000, count=1, match={})
    await running.call("GET", "/api/v5/public/time")
    _, body = await running.call("GET", "/api/v5/public/time")
    assert 89_000 < int(body["data"][0]["ts"]) - time.time() * 1000 < 91_000
    status, body = await _place(running)
    assert (status, body["code"]) == (401, "50102")


async def test_sockets_can_be_lost_when_a_rest_request_comes(running: Any) -> None:
    socket = await running.socket("public")
    await _put(running, kind="disconnect")
    assert (await _place(running))[1]["code"] == "0"
    assert await socket.close_code() is None


async def test_requests_in_flight_do_not_hold_up_a_stop(start: Any) -> None:
    running = await start()
    await _put(running, kind="half_open")
    placing = asyncio.create_task(_place(running))
    await asyncio.sleep(0.1)
    began_s = time.monotonic()
    await running.simulator.__aexit__(None, None, None)
    assert time.monotonic() - began_s < 4
    await asyncio.gather(placing, return_exceptions=True)
