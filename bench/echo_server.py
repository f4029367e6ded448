"""What is the least that a gRPC server in Python costs?  A program of its own, through grpc.aio.

    python -m bench.echo_server RESPONSE_BYTES MESSAGE_BYTES

Answers every call at once with a message of the first size, and every stream with one message of
the second size after the other. It greets with its address.
"""

import sys
from typing import Any

import grpc
import uvloop

from bench.conversation import converse

_SERVICE = "okx_gateway.api.v1.GatewayService"


def _handlers(response: bytes, message: bytes) -> grpc.GenericRpcHandler:
    async def answer(_request: bytes, _context: Any) -> bytes:
        return response

    async def stream(_request: bytes, context: Any) -> None:
        while True:  # until the reader goes, which cancels this
            await context.write(message)

    return grpc.method_handlers_generic_handler(
        _SERVICE,
        {
            "PlaceOrder": grpc.unary_unary_rpc_method_handler(answer),
            "StreamTicker": grpc.unary_stream_rpc_method_handler(stream),
        },
    )


async def _main(response_bytes: int, message_bytes: int) -> None:
    server = grpc.aio.server()
    handlers = _handlers(b"x" * response_bytes, b"x" * message_bytes)
    server.add_generic_rpc_handlers((handlers,))
    port = server.add_insecure_port("127.0.0.1:0")
    await server.start()

    async def no_answer(_question: dict[str, Any]) -> dict[str, Any]:
        return {}

    await converse({"target": f"127.0.0.1:{port}"}, no_answer)
    await server.stop(0)


if __name__ == "__main__":
    uvloop.run(_main(int(sys.argv[1]), int(sys.argv[2])))
