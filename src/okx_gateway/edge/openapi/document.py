"""What does the REST edge say about itself?  Pure, but for the comments it reads once.

An OpenAPI 3.1 document made of the same descriptors that requests are routed and checked by.
"""

from functools import cache
from importlib.metadata import version
from typing import Any

from google.protobuf.descriptor import FieldDescriptor

from okx_gateway.access.identity_document import NAME_PATTERN
from okx_gateway.api.v1 import gateway_service_pb2
from okx_gateway.edge.caller import HEADER
from okx_gateway.edge.openapi.comment import proto_comments
from okx_gateway.edge.openapi.error import JSON, error_responses, status_schema
from okx_gateway.edge.openapi.rule import Schema, is_required, needed_beside
from okx_gateway.edge.openapi.schema import SchemaBook
from okx_gateway.edge.rest.route import Route, RouteTable

_SERVICE = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]
_DEADLINE_MS_MAX = 60_000
_DEADLINE: Schema = {
    "name": "x-deadline-ms",
    "in": "header",
    "description": "How long the answer is of use, in ms. Unless the gateway is set otherwise, 5000"
    " where it is left out and at most 60000; a stream without it has no end.",
    "schema": {"type": "integer", "minimum": 1, "maximum": _DEADLINE_MS_MAX},
}
_CALLER: Schema = {
    "name": HEADER,
    "in": "header",
    "description": "Who calls. Without a file of identities the gateway believes it, and all who"
    " leave it out are one caller; with one, it has to be the name of whom the token or certificate"
    " is of, or left out. An order's id belongs to the caller that used it first.",
    "schema": {"type": "string", "pattern": f"^{NAME_PATTERN}$"},
}
_LAST_EVENT: Schema = {
    "name": "last-event-id",
    "in": "header",
    "description": "Id of the last event that was taken, in place of `resumeToken`, which wins."
    " Readers of Server-Sent Events send it by themselves.",
    "schema": {"type": "string", "maxLength": 64},
}
_TRACE: Schema = {
    "x-trace-id": {
        "description": "Id of the trace that the call was recorded in. Absent where the path, the"
        " method or the HTTP itself was wrong.",
        "schema": {"type": "string", "pattern": "^[0-9a-f]{32}$"},
    }
}
_ORDER = {
    "clientOrderId": "a1",
    "instrument": "BTC-USDT",
    "side": "SIDE_BUY",
    "tradeMode": "TRADE_MODE_CASH",
    "quantity": "0.001",
}
_LIMIT = {"price": "30000.1", "timeInForce": "TIME_IN_FORCE_GOOD_TILL_CANCELLED"}
_BODY_EXAMPLES: dict[str, dict[str, Schema]] = {
    "PlaceOrder": {
        "limit": {"summary": "A limit order", "value": {**_ORDER, "limit": _LIMIT}},
        "market": {
            "summary": "A market order for 50 USDT's worth",
            "value": {
                **_ORDER,
                "clientOrderId": "a2",
                "quantity": "50",
                "market": {"targetCurrency": "TARGET_CURRENCY_QUOTE"},
            },
        },
    },
    "CancelOrder": {"instrument": {"value": {"instrument": "BTC-USDT"}}},
    "AmendOrder": {
        "price": {
            "summary": "Another price",
            "value": {"instrument": "BTC-USDT", "newPrice": "30000.2"},
        },
    },
}


@cache
def openapi_document() -> dict[str, Any]:
    """The document; the same object each time, not to be changed."""
    book = SchemaBook()
    routes = RouteTable(_SERVICE).routes
    first = {route.rpc.name: route for route in reversed(routes)}
    paths: dict[str, Schema] = {}
    for route in routes:
        operation = _operation(route, first[route.rpc.name], book)
        paths.setdefault(_path(route), {})[route.http_method.lower()] = operation
    return {
        "openapi": "3.1.0",
        "info": {
            "title": "okx-gateway",
            "version": version("okx-gateway"),
            "description": proto_comments()[_SERVICE.full_name],
            "license": {"name": "Apache License 2.0", "identifier": "Apache-2.0"},
        },
        "servers": [{"url": "/"}],
        "tags": [{"name": _SERVICE.name, "description": proto_comments()[_SERVICE.full_name]}],
        "paths": paths,
        "components": {"schemas": dict(sorted(book.components.items()))},
    }


def _path(route: Route) -> str:
    """The route's path with parameters named as in JSON."""
    path = route.path
    for variable in route.template.variables:
        path = path.replace(
            f"{{{variable.field}}}", f"{{{_field(route, variable.field).json_name}}}"
        )
    return path


def _field(route: Route, name: str) -> FieldDescriptor:
    return route.rpc.input_type.fields_by_name[name]


def _bound(route: Route) -> frozenset[str]:
    return frozenset(variable.field for variable in route.template.variables)


def _operation(route: Route, first: Route, book: SchemaBook) -> Schema:
    rpc = route.rpc
    name = _operation_id(route, first)
    about = proto_comments()[rpc.full_name]
    operation: Schema = {
        "operationId": name,
        "tags": [_SERVICE.name],
        "summary": about.partition("\n")[0],
        "description": about,
        "parameters": [*_parameters(route, book), _DEADLINE, _CALLER],
    }
    if rpc.server_streaming and "resume_token" in rpc.input_type.fields_by_name:
        operation["parameters"].append(_LAST_EVENT)
    if route.body:
        operation["requestBody"] = _body(route, name, book)
    success = _events(route, book) if rpc.server_streaming else _answer(route, book)
    operation["responses"] = {"200": success, **error_responses(rpc.name, book, _TRACE)}
    return operation


def _operation_id(route: Route, first: Route) -> str:
    """The RPC's name, and of another path of it also what that goes by."""
    others = sorted(_bound(route) - _bound(first))
    words = [word for field in others for word in ("by", *field.split("_"))]
    return route.rpc.name + "".join(word.capitalize() for word in words)


def _parameters(route: Route, book: SchemaBook) -> list[Schema]:
    message, bound = route.rpc.input_type, _bound(route)
    parameters = [
        _parameter(_field(route, variable.field), book, place="path", required=True)
        for variable in route.template.variables
    ]
    if route.body:
        return parameters
    needed = needed_beside(message, bound)
    # A member of a oneof has no place beside the one that the path gives.
    free = [
        field
        for field in message.fields
        if field.name not in bound and field.containing_oneof is None
    ]
    for field in free:
        required = field.name in needed or is_required(field)
        parameters.append(_parameter(field, book, place="query", required=required))
    return parameters


def _parameter(field: FieldDescriptor, book: SchemaBook, *, place: str, required: bool) -> Schema:
    schema = book.input(field, needed=required, in_url=True)
    description = schema.pop("description")
    parameter = {
        "name": field.json_name,
        "in": place,
        "description": description,
        "required": required,
        "schema": schema,
    }
    if examples := schema.pop("examples", None):
        parameter["example"] = examples[0]
    return parameter


def _body(route: Route, name: str, book: SchemaBook) -> Schema:
    schema = book.request(route.rpc.input_type, _bound(route))
    body: Schema = {"schema": book.reference(f"{name}Request", schema)}
    if route.rpc.name in _BODY_EXAMPLES:
        body["examples"] = _BODY_EXAMPLES[route.rpc.name]
    # Rules over several fields, by which at least one of some has to be there, need one too.
    needed = "required" in schema or any("anyOf" in rule for rule in schema.get("allOf", ()))
    return {"required": needed, "content": {JSON: body}}


def _answer(route: Route, book: SchemaBook) -> Schema:
    return {
        "description": proto_comments()[route.rpc.output_type.full_name],
        "headers": _TRACE,
        "content": {JSON: {"schema": book.answer(route.rpc.output_type)}},
    }


def _events(route: Route, book: SchemaBook) -> Schema:
    """Server-Sent Events; the schema is that of each, as OpenAPI 3.1 has no word for them."""
    message = route.rpc.output_type
    book.answer(message)
    names = [field.json_name for field in message.oneofs[0].fields]
    content = {name: {"$ref": f"#/components/schemas/{message.name}"} for name in names}
    events = [
        _event(name, schema) for name, schema in {**content, "error": status_schema(book)}.items()
    ]
    return {
        "description": f"{proto_comments()[message.full_name]} Each is a Server-Sent Event, named"
        f" `{'`, `'.join(names)}` after what it holds. A failure after the beginning is an event"
        " named `error`, the last one. The id of an event is its `resumeToken`, where it has one."
        " Lines that begin with a colon only keep the connection.",
        "headers": _TRACE,
        "content": {
            "text/event-stream": {
                "schema": {"description": "One event.", "oneOf": events},
            }
        },
    }


def _event(name: str, schema: Schema) -> Schema:
    return {
        "type": "object",
        "required": ["event", "data"],
        "properties": {
            "event": {"const": name},
            "data": {"type": "string", "contentMediaType": JSON, "contentSchema": schema},
        },
    }
