"""Does every path lead to the RPC that its template names, and nothing else to any?"""

from contextlib import suppress

import pytest
from google.api import annotations_pb2
from google.protobuf import descriptor_pb2, descriptor_pool, empty_pb2
from google.protobuf.descriptor import ServiceDescriptor
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.api.v1 import gateway_service_pb2
from okx_gateway.domain.errors import InvalidRequestError
from okx_gateway.edge.rest.route import (
    SEGMENTS_MAX,
    Matched,
    MethodNotAllowed,
    RouteTable,
    parse_template,
)

GATEWAY = RouteTable(gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"])
METHODS = ("GET", "PUT", "POST", "DELETE", "PATCH", "HEAD", "OPTIONS", "BREW")
_serial = iter(range(1_000_000))


def service(*bindings: tuple[str, str, str]) -> ServiceDescriptor:
    """A service with one RPC for each of (HTTP method, path, body), named R0, R1 and so on."""
    name = f"route_test_{next(_serial)}"
    file = descriptor_pb2.FileDescriptorProto(
        name=f"{name}.proto",
        package=name,
        syntax="proto3",
        dependency=[empty_pb2.DESCRIPTOR.name, annotations_pb2.DESCRIPTOR.name],
    )
    methods = file.service.add(name="Service").method
    for number, (http_method, path, body) in enumerate(bindings):
        rpc = methods.add(
            name=f"R{number}",
            input_type=".google.protobuf.Empty",
            output_type=".google.protobuf.Empty",
        )
        rule = rpc.options.Extensions[annotations_pb2.http]
        rule.body = body
        if http_method in ("GET", "PUT", "POST", "DELETE", "PATCH"):
            setattr(rule, http_method.lower(), path)
        else:
            rule.custom.kind, rule.custom.path = http_method, path
    added = descriptor_pool.Default().AddSerializedFile(file.SerializeToString())
    return added.services_by_name["Service"]


def found(table: RouteTable, http_method: str, path: str) -> tuple[str, dict[str, str]] | None:
    match = table.match(http_method, path)
    return (match.route.rpc.name, dict(match.variables)) if isinstance(match, Matched) else None


@pytest.mark.parametrize(
    ("http_method", "path", "rpc", "variables"),
    [
        ("POST", "/v1/accounts/desk-1/orders", "PlaceOrder", {"account": "desk-1"}),
        (
            "POST",
            "/v1/accounts/desk-1/orders/a1:cancel",
            "CancelOrder",
            {"account": "desk-1", "client_order_id": "a1"},
        ),
        (
            "POST",
            "/v1/accounts/d/exchangeOrders/312:cancel",
            "CancelOrder",
            {"account": "d", "exchange_order_id": "312"},
        ),
        (
            "POST",
            "/v1/accounts/desk-1/orders/a1:amend",
            "AmendOrder",
            {"account": "desk-1", "client_order_id": "a1"},
        ),
        (
            "POST",
            "/v1/accounts/d/exchangeOrders/312:amend",
            "AmendOrder",
            {"account": "d", "exchange_order_id": "312"},
        ),
        (
            "GET",
            "/v1/accounts/d/orders/a1",
            "GetOrder",
            {"account": "d", "client_order_id": "a1"},
        ),
        (
            "GET",
            "/v1/accounts/d/exchangeOrders/312",
            "GetOrder",
            {"account": "d", "exchange_order_id": "312"},
        ),
        ("GET", "/v1/accounts/d/balance", "GetBalance", {"account": "d"}),
        ("GET", "/v1/tickers:stream", "StreamTicker", {}),
    ],
)
def test_every_route_of_the_api_is_found(
    http_method: str, path: str, rpc: str, variables: dict[str, str]
) -> None:
    assert found(GATEWAY, http_method, path) == (rpc, variables)


@pytest.mark.parametrize(
    "path",
    [
        "/",
        "",
        "v1/tickers:stream",
        "//v1/tickers:stream",
        "/v1/tickers:stream/",
        "/v1//tickers:stream",
        "/v1/ticker",
        "/v1/tickers:",
        "/v1/tickers:STREAM",
        "/v1/tickers%3Astream",
        "/v1/accounts//balance",
        "/v1/accounts/a/b/balance",
        "/v1/accounts/a/orders/",
        "/V1/tickers:stream",
        "/.." * 3 + "/v1/tickers:stream",
        "/x" * (SEGMENTS_MAX + 1),
    ],
)
def test_a_path_that_fits_no_template_is_unknown(path: str) -> None:
    assert GATEWAY.match("GET", path) is None


def test_another_method_on_a_known_path_is_told_which_are_allowed() -> None:
    assert GATEWAY.match("PUT", "/v1/accounts/a/orders") == MethodNotAllowed(("POST",))
    assert GATEWAY.match("GET", "/v1/accounts/a/orders/a1:cancel") == MethodNotAllowed(("POST",))


def test_an_encoded_colon_and_slash_belong_to_the_value() -> None:
    assert found(GATEWAY, "GET", "/v1/accounts/a%2Fb/orders/x%3Acancel") == (
        "GetOrder",
        {"account": "a/b", "client_order_id": "x:cancel"},
    )


def test_a_verb_without_a_name_before_it_is_a_value() -> None:
    assert found(GATEWAY, "GET", "/v1/accounts/a/orders/:cancel") == (
        "GetOrder",
        {"account": "a", "client_order_id": ":cancel"},
    )


def test_dots_are_a_value_like_any_other() -> None:
    assert found(GATEWAY, "GET", "/v1/accounts/../balance") == ("GetBalance", {"account": ".."})
    assert found(GATEWAY, "GET", "/v1/accounts/%2e%2e/balance") == (
        "GetBalance",
        {"account": ".."},
    )


@pytest.mark.parametrize("segment", ["%", "%4", "%zz", "a%2", "%ff", "%ed%a0%80", "%c0%af"])
def test_a_broken_escape_is_the_callers_error_and_named(segment: str) -> None:
    with pytest.raises(InvalidRequestError) as caught:
        GATEWAY.match("GET", f"/v1/accounts/{segment}/balance")
    assert caught.value.violations[0].field == "account"
    assert caught.value.violations[0].value == segment


def test_patterns_of_variables() -> None:
    table = RouteTable(
        service(
            ("GET", "/v1/{name=shelves/*/books/*}", ""),
            ("GET", "/v1/files/{path=**}", ""),
            ("GET", "/v1/files/{path=**}:stat", ""),
            ("GET", "/v1/files/index", ""),
            ("GET", "/v1/{a.b}/*/end", ""),
        )
    )
    assert found(table, "GET", "/v1/shelves/s1/books/b%201") == (
        "R0",
        {"name": "shelves/s1/books/b 1"},
    )
    assert found(table, "GET", "/v1/files/a/b/c") == ("R1", {"path": "a/b/c"})
    assert found(table, "GET", "/v1/files/a%2Fb/c%20d") == ("R1", {"path": "a%2Fb/c d"})
    assert found(table, "GET", "/v1/files/a/b:stat") == ("R2", {"path": "a/b"})
    assert found(table, "GET", "/v1/files/index") == ("R3", {})
    assert found(table, "GET", "/v1/files/any/end") == ("R1", {"path": "any/end"})
    assert found(table, "GET", "/v1/other/any/end") == ("R4", {"a.b": "other"})
    assert table.match("GET", "/v1/shelves/s1/books") is None


def test_one_path_may_have_several_methods_and_a_method_of_its_own() -> None:
    table = RouteTable(service(("GET", "/x", ""), ("DELETE", "/x", ""), ("BREW", "/x", "")))
    assert found(table, "BREW", "/x") == ("R2", {})
    assert table.match("POST", "/x") == MethodNotAllowed(("BREW", "DELETE", "GET"))


@pytest.mark.parametrize(
    "path", ["", "x", "/", "/a//b", "/{a", "/{A}", "/a b", "/{a=**}/b", "/**/b", "/a" * 33]
)
def test_what_is_no_template_is_refused_at_the_start(path: str) -> None:
    with pytest.raises(ValueError, match="is not a path template"):
        parse_template(path)


def test_two_routes_for_one_call_are_refused_at_the_start() -> None:
    with pytest.raises(ValueError, match="two routes answer GET"):
        RouteTable(service(("GET", "/v1/{a}", ""), ("GET", "/v1/{b}", "")))


@given(st.sampled_from(METHODS), st.text(max_size=200))
def test_garbage_is_unknown_or_the_callers_error(http_method: str, path: str) -> None:
    with suppress(InvalidRequestError):
        GATEWAY.match(http_method, path)


@given(
    st.lists(
        st.sampled_from(["", "v1", "accounts", "orders", "a", "%2F", "%", "..", "b:cancel", ":"]),
        max_size=8,
    )
)
def test_near_misses_are_unknown_or_the_callers_error(segments: list[str]) -> None:
    try:
        match = GATEWAY.match("GET", "/" + "/".join(segments))
    except InvalidRequestError:
        return
    if isinstance(match, Matched):
        assert all(match.variables.values())
