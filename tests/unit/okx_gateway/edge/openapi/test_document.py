"""Does the OpenAPI document say what the REST edge does, no less and no more?"""

import json
from typing import Any, cast
from urllib.parse import urlencode

import pytest
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from hypothesis import given
from hypothesis import strategies as st
from jsonschema import Draft202012Validator
from openapi_spec_validator import validate

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge import translate
from okx_gateway.edge.openapi.document import openapi_document
from okx_gateway.edge.rest.message_json import json_of_message
from okx_gateway.edge.rest.route import Matched, RouteTable
from okx_gateway.edge.rest.transcode import request_message

DOCUMENT = openapi_document()
ROUTES = RouteTable(api.DESCRIPTOR.services_by_name["GatewayService"])
OPERATIONS: dict[str, dict[str, Any]] = {
    operation["operationId"]: {**operation, "path": path, "method": method.upper()}
    for path, methods in DOCUMENT["paths"].items()
    for method, operation in methods.items()
}
IN_PATH = {
    "account": "main",
    "clientOrderId": "a1",
    "exchangeOrderId": "312",
    "instrument": "BTC-USDT",
}


def fits(schema: dict[str, Any], value: object) -> bool:
    whole = {**schema, "components": DOCUMENT["components"]}
    validator = Draft202012Validator(whole, format_checker=Draft202012Validator.FORMAT_CHECKER)
    return bool(validator.is_valid(value))


def is_taken(operation: dict[str, Any], query: list[tuple[str, str]], body: object = None) -> bool:
    """Whether the edge lets a request through to the call."""
    path = operation["path"].format(**IN_PATH)
    matched = ROUTES.match(operation["method"], path)
    assert isinstance(matched, Matched)
    content = b"" if "requestBody" not in operation else json.dumps(body).encode()
    try:
        translate.check(request_message(matched, urlencode(query).encode(), content))
    except InvalidRequestError:
        return False
    return True


def body_of(operation: dict[str, Any]) -> dict[str, Any]:
    return cast("dict[str, Any]", operation["requestBody"]["content"]["application/json"])


def test_the_document_is_valid_and_the_same_each_time() -> None:
    validate(DOCUMENT)
    before = json.dumps(DOCUMENT)
    openapi_document.cache_clear()
    assert json.dumps(openapi_document()) == before


def test_every_route_is_described_once() -> None:
    assert sorted(OPERATIONS) == [
        "AmendOrder",
        "AmendOrderByExchangeOrderId",
        "CancelOrder",
        "CancelOrderByExchangeOrderId",
        "GetBalance",
        "GetOrder",
        "GetOrderBook",
        "GetOrderByExchangeOrderId",
        "GetTicker",
        "ListInstruments",
        "ListTickers",
        "PlaceOrder",
        "StreamBalance",
        "StreamCandles",
        "StreamOrderBook",
        "StreamOrders",
        "StreamTicker",
        "StreamTrades",
    ]
    described = {(each["method"], each["path"].format(**IN_PATH)) for each in OPERATIONS.values()}
    assert len(described) == len(ROUTES.routes)
    assert all(isinstance(ROUTES.match(*each), Matched) for each in described)


def test_fields_of_the_path_are_parameters_and_not_in_query_or_body() -> None:
    by_exchange_id = OPERATIONS["GetOrderByExchangeOrderId"]["parameters"]
    assert [(each["name"], each["in"], each.get("required")) for each in by_exchange_id] == [
        ("account", "path", True),
        ("exchangeOrderId", "path", True),
        ("instrument", "query", True),
        ("maxAge", "query", False),
        ("x-deadline-ms", "header", None),
        ("x-caller", "header", None),
    ]
    schemas = DOCUMENT["components"]["schemas"]
    assert list(schemas["CancelOrderRequest"]["properties"]) == ["instrument"]
    assert "account" not in schemas["PlaceOrderRequest"]["properties"]


TEXTS = ["", "0", "0.0", "1.5", "01", "1e3", "-1", "1" * 18, "1" * 19, "a", "A", "BTC-USDT", "~"]
VALUES: st.SearchStrategy[object] = st.sampled_from(
    [*TEXTS, None, True, 0, 1, 2, 3, 4, 9, {}, [], ["A"]]
)
ENUMS = [
    value.name
    for field in api.PlaceOrderRequest.DESCRIPTOR.fields
    if field.enum_type
    for value in field.enum_type.values
]
LIMITS = st.fixed_dictionaries(
    {
        "price": st.sampled_from(["1.5", "0", ""]),
        "timeInForce": st.sampled_from(["TIME_IN_FORCE_FILL_OR_KILL", 1, 3, 0]),
    }
)
EXITS = st.fixed_dictionaries(
    {"triggerPrice": st.sampled_from(["1.5", "x"])},
    optional={
        "triggerPriceType": st.sampled_from([0, 1, 9, None, "TRIGGER_PRICE_TYPE_MARK"]),
        "orderPrice": st.sampled_from(["1.5", "0", "", None]),
    },
)
GOOD = {
    "clientOrderId": "a1",
    "instrument": "BTC-USDT",
    "side": "SIDE_BUY",
    "tradeMode": 1,
    "quantity": "0.001",
}
ANY = VALUES | st.sampled_from(ENUMS)
CHANGES = st.fixed_dictionaries(
    {"limit": LIMITS},
    optional={
        **dict.fromkeys([*GOOD, "positionSide", "reduceOnly", "marginCurrency", "tag"], ANY),
        "selfTradePrevention": st.sampled_from(["SELF_TRADE_PREVENTION_CANCEL_BOTH", 3, 1, None]),
        "market": st.sampled_from([None, {}, {"targetCurrency": 1}, {"targetCurrency": "x"}]),
        "takeProfit": EXITS,
        "stopLoss": st.none() | EXITS,
        "unknown": st.none(),
    },
)


@given(CHANGES, st.sets(st.sampled_from([*GOOD, "limit", "none"]), max_size=1))
def test_the_schema_takes_the_orders_that_the_edge_takes(
    changes: dict[str, object], left_out: set[str]
) -> None:
    order = {key: value for key, value in {**GOOD, **changes}.items() if key not in left_out}
    operation = OPERATIONS["PlaceOrder"]
    assert fits(body_of(operation)["schema"], order) is is_taken(operation, [], order)


@given(
    st.sampled_from(["CancelOrder", "CancelOrderByExchangeOrderId"]),
    st.dictionaries(st.sampled_from(["instrument", "tag"]), VALUES) | VALUES,
)
def test_the_schema_takes_the_cancels_that_the_edge_takes(name: str, body: object) -> None:
    operation = OPERATIONS[name]
    assert fits(body_of(operation)["schema"], body) is is_taken(operation, [], body)


def test_a_body_may_be_left_out_where_the_path_says_all() -> None:
    needed = {
        name: each["requestBody"]["required"]
        for name, each in OPERATIONS.items()
        if "requestBody" in each
    }
    assert needed == {
        "PlaceOrder": True,
        "CancelOrder": False,
        "CancelOrderByExchangeOrderId": True,
        "AmendOrder": True,
        "AmendOrderByExchangeOrderId": True,
    }


@given(
    st.sampled_from(["AmendOrder", "AmendOrderByExchangeOrderId"]),
    st.dictionaries(st.sampled_from(["instrument", "newQuantity", "newPrice", "px"]), VALUES),
)
def test_the_schema_takes_the_amends_that_the_edge_takes(name: str, body: object) -> None:
    operation = OPERATIONS[name]
    assert fits(body_of(operation)["schema"], body) is is_taken(operation, [], body)


@given(
    st.sampled_from(["GetOrder", "GetOrderByExchangeOrderId", "GetBalance", "StreamTicker"]),
    st.dictionaries(
        st.sampled_from(["instrument", "currencies", "instruments"]),
        st.lists(st.sampled_from(TEXTS), max_size=3),
    ),
)
def test_the_parameters_take_the_queries_that_the_edge_takes(
    name: str, query: dict[str, list[str]]
) -> None:
    operation = OPERATIONS[name]
    given_names = {key for key, values in query.items() if values}
    parameters = {each["name"]: each for each in operation["parameters"] if each["in"] == "query"}
    fitting = given_names <= set(parameters)
    for key, parameter in parameters.items():
        values = query.get(key, [])
        if parameter["schema"]["type"] == "array":
            fitting &= fits(parameter["schema"], values) if values else not parameter["required"]
        else:
            fitting &= len(values) == 1 or not (values or parameter["required"])
            fitting &= all(fits(parameter["schema"], value) for value in values)
    pairs = [(key, value) for key, values in query.items() for value in values]
    assert fitting is is_taken(operation, pairs)


def as_json(text: str) -> object:
    """The text of a parameter, as the number that it may stand for."""
    return int(text) if text.isdigit() and text == str(int(text)) else text


@pytest.mark.parametrize(
    ("name", "parameter", "texts"),
    [
        ("GetTicker", "maxAge", ["0s", "0.5s", "2s", "-1s", "1", "s", ""]),
        ("GetTicker", "maxAge", [f"{10**11 - 1}.999999999s", f"{10**11}s", "1_0s", "+1s", ".5s"]),
        ("GetOrderBook", "maxAge", ["1s", "-0.5s"]),
        ("GetOrderBook", "depth", ["0", "1", "400", "401", "-1", "1.5", "many"]),
        ("ListInstruments", "type", ["INSTRUMENT_TYPE_MARGIN", "2", "0", "9", "SPOT"]),
        ("ListTickers", "type", ["INSTRUMENT_TYPE_SPOT", "3", "INSTRUMENT_TYPE_MARGIN", "2"]),
    ],
)
def test_reads_of_the_market_take_what_the_document_says(
    name: str, parameter: str, texts: list[str]
) -> None:
    operation = OPERATIONS[name]
    [told] = [each for each in operation["parameters"] if each["name"] == parameter]
    for text in texts:
        # A whole number may be written with a point; only JSON tells the two apart.
        is_fit = fits(told["schema"], as_json(text))
        assert is_fit is is_taken(operation, [(parameter, text)]), text
    assert is_taken(operation, []) is not told["required"]


@pytest.mark.parametrize("name", ["PlaceOrder", "CancelOrder", "AmendOrder"])
def test_examples_of_bodies_are_taken(name: str) -> None:
    content = body_of(OPERATIONS[name])
    for example in content["examples"].values():
        assert fits(content["schema"], example["value"])
        assert is_taken(OPERATIONS[name], [], example["value"])


def test_examples_of_parameters_fit() -> None:
    parameters = [each for operation in OPERATIONS.values() for each in operation["parameters"]]
    shown = [each for each in parameters if "example" in each]
    assert len(shown) > len(OPERATIONS)
    assert all(fits(each["schema"], each["example"]) for each in shown)


def filled(message: Message) -> Message:
    """Set every field, of a oneof the last one."""
    for field in message.DESCRIPTOR.fields:
        value = getattr(message, field.name)
        if field.message_type is not None:
            filled(value.add() if field.is_repeated else value)
        elif field.is_repeated:
            value.append("x")
        else:
            kinds = {FieldDescriptor.TYPE_STRING: "x", FieldDescriptor.TYPE_BOOL: True}
            setattr(message, field.name, kinds.get(cast("Any", field.type), 1))
    return message


@pytest.mark.parametrize(
    "message",
    [
        api.PlaceOrderResponse,
        api.CancelOrderResponse,
        api.AmendOrderResponse,
        api.GetOrderResponse,
        api.GetBalanceResponse,
        api.ListInstrumentsResponse,
        api.GetTickerResponse,
        api.ListTickersResponse,
        api.GetOrderBookResponse,
    ],
)
def test_answers_fit_with_all_of_their_fields_and_with_none(message: type[Message]) -> None:
    name = message.DESCRIPTOR.name.removesuffix("Response")
    schema = OPERATIONS[name]["responses"]["200"]["content"]["application/json"]["schema"]
    assert fits(schema, json.loads(json_of_message(message())))
    assert fits(schema, json.loads(json_of_message(filled(message()))))
    assert not fits(schema, [])


EVENTS = ["ticker", "tickers", "gap", "stale", "resumed", "heartbeat"]


@pytest.mark.parametrize("name", EVENTS)
def test_each_event_of_the_stream_has_its_schema(name: str) -> None:
    events = OPERATIONS["StreamTicker"]["responses"]["200"]["content"]["text/event-stream"]
    contents = {
        each["properties"]["event"]["const"]: each["properties"]["data"]["contentSchema"]
        for each in events["schema"]["oneOf"]
    }
    assert sorted(contents) == sorted([*EVENTS, "error"])
    event = api.StreamTickerResponse()
    filled(getattr(event, name))
    getattr(event, name).SetInParent()
    assert fits(contents[name], json.loads(json_of_message(event)))
    assert not fits(contents[name], {})
