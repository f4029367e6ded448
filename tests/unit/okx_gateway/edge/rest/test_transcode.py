"""Does HTTP make the request that it says, and is everything else the caller's error in words?"""

import json
from collections.abc import Callable
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from google.protobuf import descriptor_pb2, descriptor_pool, json_format, text_format
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.domain.errors import GatewayError, InvalidRequestError, Violation
from okx_gateway.edge.rest.route import Matched, Route, RouteTable, parse_template
from okx_gateway.edge.rest.transcode import (
    DEPTH_MAX,
    QUERY_PARAMETERS_MAX,
    VIOLATIONS_MAX,
    request_message,
)

ROUTES = RouteTable(api.DESCRIPTOR.services_by_name["GatewayService"])
PLACE = ("POST", "/v1/accounts/desk-1/orders")
CANCEL = ("POST", "/v1/accounts/desk-1/orders/a1:cancel")
GET = ("GET", "/v1/accounts/desk-1/orders/a1")
BALANCE = ("GET", "/v1/accounts/desk-1/balance")
STREAM = ("GET", "/v1/tickers:stream")


def made(target: tuple[str, str], query: bytes = b"", body: bytes | object = b"") -> Message:
    matched = ROUTES.match(*target)
    assert isinstance(matched, Matched)
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request_message(matched, query, content)


def refused(
    target: tuple[str, str], query: bytes = b"", body: bytes | object = b""
) -> list[Violation]:
    with pytest.raises(InvalidRequestError) as caught:
        made(target, query, body)
    return list(caught.value.violations)


def test_a_body_fills_the_request_and_the_path_its_own_fields() -> None:
    body = {
        "clientOrderId": "a1",
        "side": "SIDE_BUY",
        "trade_mode": 1,
        "quantity": "1.5",
        "reduceOnly": True,
        "limit": {"price": "30000.1", "timeInForce": "TIME_IN_FORCE_POST_ONLY"},
        "tag": None,
    }
    assert made(PLACE, body=body) == api.PlaceOrderRequest(
        account="desk-1",
        client_order_id="a1",
        side=order_pb2.SIDE_BUY,
        trade_mode=order_pb2.TRADE_MODE_CASH,
        quantity="1.5",
        reduce_only=True,
        limit=order_pb2.LimitOrder(
            price="30000.1", time_in_force=order_pb2.TIME_IN_FORCE_POST_ONLY
        ),
    )


def test_a_query_fills_what_the_path_does_not() -> None:
    assert made(GET, b"instrument=BTC-USDT") == api.GetOrderRequest(
        account="desk-1", client_order_id="a1", instrument="BTC-USDT"
    )
    assert made(STREAM, b"instruments=A&&instruments=B%2DC&") == api.StreamTickerRequest(
        instruments=["A", "B-C"]
    )


def test_an_empty_body_leaves_the_fields_at_their_defaults() -> None:
    assert made(CANCEL) == api.CancelOrderRequest(account="desk-1", client_order_id="a1")
    assert made(CANCEL, body={}) == made(CANCEL)


def test_an_empty_message_that_is_given_is_not_an_absent_one() -> None:
    assert made(PLACE, body={"market": {}}).HasField("market")
    assert not made(PLACE, body={"market": None}).HasField("market")


def test_a_field_of_the_path_may_be_repeated_in_the_body_where_it_says_the_same() -> None:
    assert made(PLACE, body={"account": "desk-1"}) == made(PLACE)
    (violation,) = refused(PLACE, body={"account": "desk-2"})
    assert violation == Violation("account", "must be 'desk-1', as in the path", "desk-2")


@pytest.mark.parametrize(
    ("body", "field", "rule", "value"),
    [
        ({"quanttiy": "1"}, "quanttiy", "is not a field of PlaceOrderRequest; quantity is", ""),
        ({"limit": {"prize": 1}}, "limit.prize", "is not a field of LimitOrder; price is", ""),
        ({"quantity": 1.5}, "quantity", "must be a string", "1.5"),
        ({"tag": "\ud800"}, "tag", "has half a surrogate pair, which is no character", "\\ud800"),
        ({"side": "BUY"}, "side", "must be one of SIDE_BUY, SIDE_SELL", "BUY"),
        ({"limit": "1"}, "limit", "must be an object", "1"),
        ({"": 1}, "body", "is not a field of PlaceOrderRequest", ""),
        ([], "body", "must be an object", "a list"),
        (None, "body", "must be an object", "null"),
        (
            {"clientOrderId": "a", "client_order_id": "b"},
            "client_order_id",
            "is given twice, as clientOrderId and as client_order_id",
            "",
        ),
        ({"market": {}, "limit": {}}, "limit", "cannot stand beside market", ""),
        (b"{", "body", "must be JSON", ""),
    ],
)
def test_a_wrong_body_is_told_by_field_rule_and_value(
    body: object, field: str, rule: str, value: str
) -> None:
    (violation,) = refused(PLACE, body=body)
    assert violation.field == field
    assert violation.description.startswith(rule)
    assert violation.value.startswith(value)


@pytest.mark.parametrize(
    ("target", "query", "field", "rule"),
    [
        (GET, b"instrument=A&instrument=B", "instrument", "is given 2 times"),
        (GET, b"instrumnt=A", "instrumnt", "is not a field of GetOrderRequest; instrument is"),
        (GET, b"account=other", "account", "must be 'desk-1', as in the path"),
        (GET, b"exchangeOrderId=1", "exchange_order_id", "cannot stand beside client_order_id"),
        (GET, b"instrument=%ZZ", "instrument", "has a broken percent escape"),
        (GET, b"instrument=%FF", "instrument", "is not UTF-8"),
        (GET, b"instrument.name=A", "instrument", "has no fields of its own in a URL"),
        (GET, b"=A", "query", "has a parameter without a name"),
        (PLACE, b"quantity=1", "quantity", "must be in the body, not in the query"),
        (
            STREAM,
            b"instruments=A&" * (QUERY_PARAMETERS_MAX + 1),
            "query",
            f"must have at most {QUERY_PARAMETERS_MAX} parameters",
        ),
    ],
)
def test_a_wrong_query_is_told_by_field_and_rule(
    target: tuple[str, str], query: bytes, field: str, rule: str
) -> None:
    (violation,) = refused(target, query)
    assert violation.field == field
    assert violation.description.startswith(rule)


def test_a_body_where_everything_is_in_the_url_is_refused() -> None:
    (violation,) = refused(BALANCE, body={})
    assert violation.field == "body"
    assert violation.description.startswith("must be empty")


def test_everything_wrong_is_told_at_once_up_to_a_bound() -> None:
    several = refused(PLACE, b"a=1", {"side": "BUY", "b": 1, "limit": {"c": 1}})
    assert [each.field for each in several] == ["side", "b", "limit.c", "a"]
    many = refused(PLACE, body={f"x{number}": 1 for number in range(100)})
    assert len(many) == VIOLATIONS_MAX


# Has the fields that requests of the gateway do not have yet.
OTHER_API = """
name: "transcode_test.proto" package: "transcode_test" syntax: "proto3"
dependency: "google/protobuf/timestamp.proto"
message_type {
  name: "Node"
  field { name: "name" number: 1 type: TYPE_STRING label: LABEL_OPTIONAL }
  field { name: "child" number: 2 type: TYPE_MESSAGE label: LABEL_OPTIONAL type_name: "Node" }
  field { name: "children" number: 3 type: TYPE_MESSAGE label: LABEL_REPEATED type_name: "Node" }
  field { name: "count" number: 4 type: TYPE_INT32 label: LABEL_OPTIONAL }
  field {
    name: "time" number: 5 type: TYPE_MESSAGE label: LABEL_OPTIONAL
    type_name: ".google.protobuf.Timestamp"
  }
  field { name: "names" number: 6 type: TYPE_STRING label: LABEL_REPEATED }
  field { name: "flags" number: 7 type: TYPE_BOOL label: LABEL_REPEATED }
}
service { name: "Service" method { name: "Grow" input_type: "Node" output_type: "Node" } }
"""


def other_route() -> Route:
    file = text_format.Parse(OTHER_API, descriptor_pb2.FileDescriptorProto())
    added = descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    rpc = added.services_by_name["Service"].methods[0]
    return Route("POST", "/grow", parse_template("/grow"), "child", rpc)


OTHER = other_route()


def grown(query: bytes = b"", body: bytes | object = b"") -> Any:
    content = body if isinstance(body, bytes) else json.dumps(body).encode()
    return request_message(Matched(OTHER, {}), query, content)


def test_a_body_may_be_one_field_while_the_query_has_the_others() -> None:
    grand = {"children": [{"name": "a"}, {"names": ["b", "c"]}], "count": "7"}
    message = grown(b"name=top&flags=true&flags=false", grand)
    assert message.name == "top"
    assert list(message.flags) == [True, False]
    assert [each.name for each in message.child.children] == ["a", ""]
    assert list(message.child.children[1].names) == ["b", "c"]
    assert message.child.count == 7


def test_a_dotted_name_leads_into_a_message() -> None:
    message = grown(b"child.child.name=deep&child.time=2026-11-22T10:00:12Z")
    assert message.child.child.name == "deep"
    assert message.child.time.seconds == 1795341612


@pytest.mark.parametrize(
    ("query", "body", "field", "rule"),
    [
        (b"", {"children": {}}, "child.children", "must be a list"),
        (b"", {"children": [1]}, "child.children[0]", "must be an object"),
        (b"", {"children": [{}, {"nam": 1}]}, "child.children[1].nam", "is not a field of Node"),
        (b"", {"names": "a"}, "child.names", "must be a list"),
        (b"", {"names": ["a", 1]}, "child.names[1]", "must be a string"),
        (b"", {"count": "1_0"}, "child.count", "must be int32"),
        (b"", {"count": 2**31}, "child.count", "must be int32"),
        (b"", {"time": "yesterday"}, "child.time", "must be google.protobuf.Timestamp"),
        (b"flags=yes", b"", "flags[0]", "must be true or false"),
        (b"children.name=a", b"", "children", "has no fields of its own in a URL"),
        (b"child.nam=a", b"", "child.nam", "is not a field of Node; name is"),
    ],
)
def test_a_fault_inside_is_told_by_its_whole_path(
    query: bytes, body: bytes | object, field: str, rule: str
) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        grown(query, body)
    (violation,) = caught.value.violations
    assert violation.field == field
    assert violation.description.startswith(rule)


def test_depth_is_bounded() -> None:
    def nested(levels: int) -> bytes:
        return b'{"child":' * levels + b"{}" + b"}" * levels

    grown(body=nested(DEPTH_MAX - 2))
    with pytest.raises(InvalidRequestError, match=f"nested deeper than {DEPTH_MAX} levels"):
        grown(body=nested(DEPTH_MAX))


NAMES = [field.json_name for field in api.PlaceOrderRequest.DESCRIPTOR.fields]
JSON = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats() | st.text(),
    lambda inner: st.lists(inner) | st.dictionaries(st.sampled_from(NAMES) | st.text(), inner),
    max_leaves=10,
)
TARGETS = st.sampled_from([PLACE, CANCEL, GET, BALANCE, STREAM])
QUERIES = st.binary(max_size=40) | st.dictionaries(
    st.sampled_from(["instrument", "instruments", "account", "currencies"]) | st.text(), st.text()
).map(lambda pairs: urlencode(pairs, errors="replace").encode())
BODIES = st.binary(max_size=60) | JSON.map(lambda value: json.dumps(value).encode())


def outcome(make: Callable[[], object]) -> GatewayError | None:
    try:
        make()
    except GatewayError as error:
        return error
    return None


def is_told_well(error: GatewayError | None) -> bool:
    if error is None:
        return True
    assert isinstance(error, InvalidRequestError)
    assert 1 <= len(error.violations) <= VIOLATIONS_MAX
    for violation in error.violations:
        assert violation.field
        assert violation.description
        # Told to the caller in protobuf, which takes UTF-8 only.
        f"{violation.field}{violation.description}{violation.value}".encode()
    return True


@given(TARGETS, QUERIES, BODIES)
def test_whatever_comes_is_a_request_or_the_callers_error(
    target: tuple[str, str], query: bytes, body: bytes
) -> None:
    assert is_told_well(outcome(lambda: made(target, query, body)))
    assert is_told_well(outcome(lambda: grown(query, body)))


@given(
    st.sampled_from(["GET", "POST"]),
    st.text(alphabet=st.characters(min_codepoint=33, max_codepoint=126), max_size=60).map(
        lambda rest: f"/v1/accounts/{rest}"
    ),
)
def test_any_path_is_a_request_unknown_or_the_callers_error(http_method: str, path: str) -> None:
    def answer() -> object:
        matched = ROUTES.match(http_method, path)
        return request_message(matched, b"", b"") if isinstance(matched, Matched) else matched

    assert is_told_well(outcome(answer))


TEXT = st.text(max_size=12)
PATH_TEXT = st.text(min_size=1, max_size=12)
ORDERS = st.builds(
    api.PlaceOrderRequest,
    account=PATH_TEXT,
    client_order_id=TEXT,
    instrument=TEXT,
    side=st.sampled_from([0, 1, 2]),
    quantity=TEXT,
    reduce_only=st.booleans(),
    limit=st.none() | st.builds(order_pb2.LimitOrder, price=TEXT),
    take_profit=st.none() | st.builds(order_pb2.AttachedExit, trigger_price=TEXT),
)


WAYS_TO_WRITE = st.fixed_dictionaries(
    {"preserving_proto_field_name": st.booleans(), "use_integers_for_enums": st.booleans()}
)


@given(ORDERS, WAYS_TO_WRITE)
def test_a_message_sent_as_json_comes_back_whole(
    order: api.PlaceOrderRequest, way: dict[str, bool]
) -> None:
    document = json_format.MessageToDict(order, **way)  # type: ignore[arg-type]
    del document["account"]
    target = ("POST", f"/v1/accounts/{quote(order.account, safe='')}/orders")
    assert made(target, body=document) == order


@given(st.builds(api.GetBalanceRequest, account=PATH_TEXT, currencies=st.lists(TEXT, max_size=5)))
def test_a_message_sent_in_path_and_query_comes_back_whole(
    request: api.GetBalanceRequest,
) -> None:
    query = urlencode([("currencies", each) for each in request.currencies])
    target = ("GET", f"/v1/accounts/{quote(request.account, safe='')}/balance")
    assert made(target, query.encode()) == request
