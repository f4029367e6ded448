"""Does an answer read as protobuf's own JSON mapping has it?"""

import json
from typing import cast

import pytest
from google.protobuf import any_pb2, duration_pb2, json_format, struct_pb2, timestamp_pb2
from google.protobuf.message import Message
from google.rpc import error_details_pb2, status_pb2
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.api.v1 import balance_pb2, gateway_service_pb2, order_pb2, ticker_pb2
from okx_gateway.edge.rest.message_json import json_of_message

TEXT = st.text(max_size=20)
UNKNOWN_REASON = cast("ticker_pb2.GapReason.ValueType", 99)
STAMPS = st.builds(
    timestamp_pb2.Timestamp,
    seconds=st.integers(min_value=0, max_value=4_000_000_000),
    nanos=st.sampled_from([0, 1, 1000, 120_000_000, 999_999_999]),
)


def as_protobuf_has_it(message: Message) -> object:
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)


@given(
    st.builds(
        gateway_service_pb2.GetOrderResponse,
        outcome=st.integers(min_value=0, max_value=9),
        okx_code=TEXT,
        resolve_time=st.none() | STAMPS,
        order=st.none()
        | st.builds(
            order_pb2.Order,
            account=TEXT,
            side=st.integers(min_value=0, max_value=3),
            fee=TEXT,
            place_time=st.none() | STAMPS,
        ),
    )
)
def test_an_answer_reads_as_protobuf_has_it(message: Message) -> None:
    assert json.loads(json_of_message(message)) == as_protobuf_has_it(message)


@pytest.mark.parametrize(
    "message",
    [
        gateway_service_pb2.GetBalanceResponse(
            balance=balance_pb2.Balance(
                currencies=[balance_pb2.CurrencyBalance(currency="BTC", cash="1")]
            ),
            age=duration_pb2.Duration(seconds=-1, nanos=-500_000_000),
        ),
        gateway_service_pb2.StreamTickerResponse(
            gap=ticker_pb2.Gap(instruments=["BTC-USDT", "ETH-USDT"], reason=UNKNOWN_REASON)
        ),
        gateway_service_pb2.StreamTickerResponse(heartbeat=ticker_pb2.Heartbeat()),
        gateway_service_pb2.StreamTickerResponse(),
        error_details_pb2.ErrorInfo(reason="R", metadata={"b": "1", "a": "2"}),
        error_details_pb2.RetryInfo(retry_delay=duration_pb2.Duration(nanos=740_000_000)),
        error_details_pb2.QuotaFailure.Violation(quota_value=2**62, future_quota_value=1),
        struct_pb2.Struct(fields={"a": struct_pb2.Value(number_value=1.5)}),
        struct_pb2.Value(bool_value=True),
        timestamp_pb2.Timestamp(seconds=1),
        any_pb2.Any(),
    ],
    ids=lambda message: message.DESCRIPTOR.name,
)
def test_every_kind_of_field_reads_as_protobuf_has_it(message: Message) -> None:
    assert json.loads(json_of_message(message)) == as_protobuf_has_it(message)


def test_details_of_a_status_are_unpacked() -> None:
    detail = any_pb2.Any()
    detail.Pack(error_details_pb2.ErrorInfo(reason="R", domain="d"))
    document = json.loads(json_of_message(status_pb2.Status(code=3, details=[detail])))
    assert document["details"] == [
        {
            "@type": "type.googleapis.com/google.rpc.ErrorInfo",
            "reason": "R",
            "domain": "d",
            "metadata": {},
        }
    ]


def test_fields_without_presence_are_always_there_and_messages_only_where_set() -> None:
    document = json.loads(json_of_message(gateway_service_pb2.PlaceOrderResponse()))
    assert document == {
        "outcome": "ORDER_OUTCOME_UNSPECIFIED",
        "clientOrderId": "",
        "exchangeOrderId": "",
        "replayed": False,
    }
