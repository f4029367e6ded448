"""Which JSON values does a protobuf field take, and in which words are the others refused?"""

import pytest
from google.protobuf import json_format, timestamp_pb2
from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from google.type import latlng_pb2  # type: ignore[import-untyped]
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.edge.rest.json_value import (
    descriptor_of,
    enum_names,
    fields_by_name,
    is_object,
    is_scalar,
    json_of_text,
    scalar,
    set_other,
)

REQUEST = fields_by_name(api.PlaceOrderRequest.DESCRIPTOR)
SIDE, QUANTITY, REDUCE_ONLY = REQUEST["side"], REQUEST["quantity"], REQUEST["reduceOnly"]


def field(message: Message, name: str) -> FieldDescriptor:
    return fields_by_name(descriptor_of(message))[name]


def test_a_field_goes_by_its_name_in_json_and_in_the_proto() -> None:
    assert REQUEST["clientOrderId"] is REQUEST["client_order_id"]
    assert "ClientOrderId" not in REQUEST


@pytest.mark.parametrize(
    ("message", "name", "kind"),
    [
        (api.PlaceOrderRequest(), "limit", "object"),
        (api.PlaceOrderRequest(), "side", "scalar"),
        (api.PlaceOrderRequest(), "quantity", "scalar"),
        (api.PlaceOrderResponse(), "placeTime", "other"),
        (error_details_pb2.ErrorInfo(), "metadata", "other"),
        (timestamp_pb2.Timestamp(), "seconds", "other"),
    ],
)
def test_kinds_of_fields_are_told_apart(message: Message, name: str, kind: str) -> None:
    assert is_object(field(message, name)) is (kind == "object")
    assert is_scalar(field(message, name)) is (kind == "scalar")


@pytest.mark.parametrize(
    ("of", "text", "value"),
    [
        (REDUCE_ONLY, "true", True),
        (REDUCE_ONLY, "false", False),
        (REDUCE_ONLY, "True", "True"),
        (REDUCE_ONLY, "1", "1"),
        (SIDE, "2", 2),
        (SIDE, "-2", "-2"),
        (SIDE, "²", "²"),
        (SIDE, "1234567890", "1234567890"),
        (SIDE, "SIDE_BUY", "SIDE_BUY"),
        (QUANTITY, "2", "2"),
        (QUANTITY, "true", "true"),
    ],
)
def test_text_of_a_url_stands_for_the_value_of_its_field(
    of: FieldDescriptor, text: str, value: object
) -> None:
    assert json_of_text(of, text) == value


@pytest.mark.parametrize(
    ("of", "value", "read"),
    [
        (SIDE, "SIDE_SELL", 2),
        (SIDE, 2, 2),
        (SIDE, "SIDE_UNSPECIFIED", 0),
        (REDUCE_ONLY, False, False),
        (QUANTITY, "", ""),
        (QUANTITY, "\N{SMILING FACE WITH OPEN MOUTH}", "\N{SMILING FACE WITH OPEN MOUTH}"),
    ],
)
def test_a_scalar_is_read_as_it_was_meant(of: FieldDescriptor, value: object, read: object) -> None:
    assert scalar(of, value) == read


@pytest.mark.parametrize(
    ("of", "value", "rule"),
    [
        (SIDE, "side_sell", "must be one of SIDE_BUY, SIDE_SELL"),
        (SIDE, 3, "must be one of SIDE_BUY, SIDE_SELL"),
        (SIDE, 1.0, "must be one of SIDE_BUY, SIDE_SELL"),
        (SIDE, True, "must be one of SIDE_BUY, SIDE_SELL"),
        (SIDE, None, "must be one of SIDE_BUY, SIDE_SELL"),
        (REDUCE_ONLY, "true", "must be true or false"),
        (REDUCE_ONLY, 1, "must be true or false"),
        (QUANTITY, 1, "must be a string"),
        (QUANTITY, {}, "must be a string"),
        (QUANTITY, "\udc00", "has half a surrogate pair, which is no character"),
    ],
)
def test_another_scalar_is_refused_by_the_rule_it_breaks(
    of: FieldDescriptor, value: object, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        scalar(of, value)


@pytest.mark.parametrize(
    ("message", "name", "value"),
    [
        (status_pb2.Status(), "code", 5),
        (status_pb2.Status(), "code", "5"),
        (error_details_pb2.QuotaFailure.Violation(), "quotaValue", "-62135596800"),
        (latlng_pb2.LatLng(), "latitude", 1.5),
        (latlng_pb2.LatLng(), "latitude", "1e3"),
        (latlng_pb2.LatLng(), "latitude", "-Infinity"),
        (api.PlaceOrderResponse(), "placeTime", "2026-11-22T10:00:12.5Z"),
        (api.GetBalanceResponse(), "age", "0.740s"),
        (error_details_pb2.ErrorInfo(), "metadata", {"a": "1"}),
        (error_details_pb2.DebugInfo(), "stackEntries", ["a", "b"]),
    ],
)
def test_other_fields_are_read_as_protobuf_reads_them(
    message: Message, name: str, value: object
) -> None:
    of = field(message, name)
    set_other(message, of, value)
    assert message == json_format.ParseDict({name: value}, type(message)())
    assert message != type(message)()


@pytest.mark.parametrize(
    ("message", "name", "value", "rule"),
    [
        (status_pb2.Status(), "code", "1_0", "must be int32"),
        (status_pb2.Status(), "code", " 1", "must be int32"),
        (status_pb2.Status(), "code", "٣", "must be int32"),
        (status_pb2.Status(), "code", 2**31, "must be int32"),
        (error_details_pb2.QuotaFailure.Violation(), "quotaValue", 1.5, "must be int64"),
        (error_details_pb2.QuotaFailure.Violation(), "quotaValue", True, "must be int64"),
        (latlng_pb2.LatLng(), "latitude", "much", "must be double"),
        (api.PlaceOrderResponse(), "placeTime", "now", r"must be google\.protobuf\.Timestamp"),
        (api.PlaceOrderResponse(), "placeTime", 5, r"must be google\.protobuf\.Timestamp"),
        (api.GetBalanceResponse(), "age", "0.740", "must be seconds such as 0.740s"),
        (api.GetBalanceResponse(), "age", "1_0s", "must be seconds such as 0.740s"),
        (api.GetBalanceResponse(), "age", "1e3s", "must be seconds such as 0.740s"),
        (api.GetBalanceResponse(), "age", "100000000000s", "of at most 11 digits"),
        (api.GetBalanceResponse(), "age", "0.1234567890s", "and 9 after the point"),
    ],
)
def test_other_values_are_refused_with_the_type_that_is_wanted(
    message: Message, name: str, value: object, rule: str
) -> None:
    with pytest.raises(ValueError, match=rule):
        set_other(message, field(message, name), value)


def test_names_of_an_enum_leave_out_the_one_that_says_nothing() -> None:
    enum = SIDE.enum_type
    assert enum is not None
    assert enum_names(enum) == ["SIDE_BUY", "SIDE_SELL"]


@given(st.sampled_from([SIDE, QUANTITY, REDUCE_ONLY]), st.text())
def test_any_text_is_a_value_or_refused_in_words(of: FieldDescriptor, text: str) -> None:
    try:
        scalar(of, json_of_text(of, text))
        refusal = ""
    except ValueError as error:
        refusal = str(error)
    assert refusal == "" or refusal.startswith(("must be", "has"))
