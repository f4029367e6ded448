"""Does a grpcurl command of the documents work?  Runs it over gRPC where grpcurl is not installed.

Touches the network. Knows the flags that the documents use and refuses every other.
"""

import argparse
import sys
from collections.abc import Iterable

import grpc
from google.protobuf import json_format, message_factory
from google.protobuf.message import Message

from okx_gateway.api.v1 import gateway_service_pb2


def main() -> None:
    """Call as grpcurl would, print every answer as JSON."""
    parser = argparse.ArgumentParser(allow_abbrev=False)
    parser.add_argument("-plaintext", action="store_true", required=True)
    parser.add_argument("-max-time", type=float, default=10.0)
    parser.add_argument("-d", default="{}")
    parser.add_argument("target")
    parser.add_argument("method")
    given = parser.parse_args()
    service_name, name = given.method.split("/")
    service = gateway_service_pb2.DESCRIPTOR.services_by_name["GatewayService"]
    if service_name != service.full_name:
        sys.exit(f"unknown service {service_name}")
    rpc = service.methods_by_name[name]
    request = json_format.Parse(given.d, message_factory.GetMessageClass(rpc.input_type)())
    answer_type = message_factory.GetMessageClass(rpc.output_type)
    with grpc.insecure_channel(given.target) as channel:
        # One answer is a stream of one: the wire is the same.
        answers: Iterable[Message] = channel.unary_stream(
            f"/{given.method}",
            request_serializer=_bytes_of,
            response_deserializer=answer_type.FromString,
        )(request, timeout=given.max_time)
        for answer in answers:
            sys.stdout.write(json_format.MessageToJson(answer) + "\n")


def _bytes_of(message: Message) -> bytes:
    return message.SerializeToString()


if __name__ == "__main__":
    try:
        main()
    except grpc.RpcError as error:
        sys.exit(str(error))
