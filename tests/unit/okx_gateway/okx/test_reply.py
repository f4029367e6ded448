import json
from contextlib import suppress
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.okx.reply import UnreadableReplyError, milliseconds, parse_reply, text

json_values = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(max_size=5),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=4), inner),
    max_leaves=6,
)

# OKX docs, "Place order", the example of a response.
PLACED = (
    b'{"code":"0","msg":"","data":[{"clOrdId":"oktswap6","ordId":"312269865356374016","tag":"",'
    b'"ts":"1695190491421","sCode":"0","sMsg":""}],"inTime":"1695190491421339",'
    b'"outTime":"1695190491423240"}'
)


def test_an_envelope_is_read_with_the_times_around_it() -> None:
    reply = parse_reply(PLACED)
    assert (reply.code, reply.message) == ("0", "")
    assert [row["ordId"] for row in reply.rows] == ["312269865356374016"]
    assert (reply.receive_us, reply.send_us) == (1695190491421339, 1695190491423240)


@pytest.mark.parametrize(
    ("body", "code", "rows"),
    [
        (b'{"msg":"Timestamp request expired","code":"50102"}', "50102", 0),
        (b'{"code":50011,"msg":"Too Many Requests"}', "50011", 0),
        (b'{"code":"51603","msg":"Order does not exist","data":[]}', "51603", 0),
        (b'{"code":"50111","data":{},"msg":""}', "50111", 0),
        (b'{"code":"1","data":[{"sCode":"51008"}],"msg":null}', "1", 1),
    ],
)
def test_shapes_that_okx_was_seen_to_answer_are_read(body: bytes, code: str, rows: int) -> None:
    reply = parse_reply(body)
    assert (reply.code, len(reply.rows)) == (code, rows)
    assert (reply.receive_us, reply.send_us) == (None, None)


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b"<html>502 Bad Gateway</html>",
        b"null",
        b"[]",
        b'"0"',
        b"{}",
        b'{"code":null}',
        b'{"code":true}',
        b'{"code":0.0}',
        b'{"code":["0"]}',
        b'{"code":"0","data":null}',
        b'{"code":"0","data":"x"}',
        b'{"code":"0","data":{"ordId":"1"}}',
        b'{"code":"0","data":[null]}',
        b'{"code":"0","data":[[]]}',
        b'{"code":"0","data":[{}],"x":NaN}',
        b'{"code":"0","data":[{}],"x":-Infinity}',
        b'{"code":"1","code":"0","data":[]}',
        b'{"code":"0","data":[{"ordId":"1","ordId":"2"}]}',
        b'{"code":"0","data":[]} {}',
        b'\xff\xfe{"code":"0"}',
        b'{"code":"\xff"}',
        b"[" * 100_000,
        b'{"code":' * 20_000,
    ],
)
def test_what_is_odd_in_any_way_is_not_believed(body: bytes) -> None:
    with pytest.raises(UnreadableReplyError):
        parse_reply(body)


@given(st.integers(0, len(PLACED) - 1))
def test_a_body_that_was_cut_off_is_not_believed(length: int) -> None:
    with pytest.raises(UnreadableReplyError):
        parse_reply(PLACED[:length])


@given(st.binary(max_size=80))
def test_garbage_raises_nothing_else(body: bytes) -> None:
    with suppress(UnreadableReplyError):
        parse_reply(body)


@given(st.dictionaries(st.sampled_from(["code", "msg", "data", "inTime", "outTime"]), json_values))
def test_a_reply_has_the_types_it_promises_whatever_came(envelope: dict[str, Any]) -> None:
    try:
        reply = parse_reply(json.dumps(envelope).encode())
    except UnreadableReplyError:
        return
    assert isinstance(reply.code, str)
    assert isinstance(reply.message, str)
    assert all(isinstance(row, dict) for row in reply.rows)
    assert reply.receive_us is None or reply.receive_us >= 0


@pytest.mark.parametrize(
    "value", ["169519049142133x", "", "-5", "1.5", "9" * 19, 1695190491421339, None, "\u0663"]
)
def test_a_time_that_is_none_is_left_out(value: object) -> None:
    assert parse_reply(json.dumps({"code": "0", "inTime": value}).encode()).receive_us is None


def test_text_is_text_or_missing() -> None:
    assert text({"a": "x"}, "a") == "x"
    assert text({}, "a") == ""
    values: list[object] = [None, 1, 1.5, True, [], {}]
    for value in values:
        with pytest.raises(UnreadableReplyError, match="a is not text"):
            text({"a": value}, "a")


def test_a_time_in_ms_is_digits_or_missing() -> None:
    assert milliseconds({"ts": "1695190491421"}, "ts") == 1695190491421
    assert milliseconds({"ts": ""}, "ts") == milliseconds({}, "ts") == 0
    for value in ("x", "-1", "1.5", " 1", "9" * 17, "\u0663", 5):
        with pytest.raises(UnreadableReplyError, match="ts is not"):
            milliseconds({"ts": value}, "ts")
