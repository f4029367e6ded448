import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager

import pytest

from tests.faults.wire import (
    HttpSplitter,
    RespSplitter,
    SocketSplitter,
    Splitter,
    Trap,
    Where,
    Wire,
    resp_words,
)

HTTP = [
    b"POST /a HTTP/1.1\r\nContent-Length: 5\r\nhost: x\r\n\r\nhello",
    b"GET /b HTTP/1.1\r\nhost: x\r\n\r\n",
    (
        b"HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n"
        b"5\r\nhello\r\n3;a=b\r\n\r\n!\r\n0\r\n\r\n"
    ),
]
RESP = [
    b"*3\r\n$7\r\nEVALSHA\r\n$3\r\nabc\r\n$5\r\n1\r\n23\r\n",
    b"+OK\r\n",
    b"-ERR no\r\n",
    b":12\r\n",
    b"$-1\r\n",
    b"_\r\n",
    b"*0\r\n",
    b"*2\r\n*1\r\n:1\r\n%1\r\n+a\r\n~1\r\n$0\r\n\r\n",
    b"=7\r\ntxt:a\r\n\r\n",
]


SOCKET = [
    b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\n\r\n",
    b"\x81\x04pong",
    b"\x81\x7e\x01\x00" + b"x" * 256,
    b"\x81\x7f" + (1 << 16).to_bytes(8, "big") + b"y" * (1 << 16),
    b"\x88\x00",
]


@pytest.mark.parametrize(
    ("splitter", "messages"),
    [(HttpSplitter, HTTP), (RespSplitter, RESP), (SocketSplitter, SOCKET)],
)
@pytest.mark.parametrize("size", [1, 2, 3, 7, 1000])
def test_a_stream_is_divided_however_it_arrives(
    splitter: Callable[[], Splitter], messages: list[bytes], size: int
) -> None:
    stream = b"".join(messages)
    divided = splitter()
    found = []
    for at in range(0, len(stream), size):
        found += divided.feed(stream[at : at + size])
    assert found == messages


def test_what_a_client_masks_can_be_read_on_its_way() -> None:
    divided = SocketSplitter()
    head = b"GET /ws/v5/private HTTP/1.1\r\nUpgrade: websocket\r\n\r\n"
    mask = b"\x01\x02\x03\x04"
    masked = bytes(byte ^ mask[number % 4] for number, byte in enumerate(b"order"))
    found = divided.feed(head + b"\x81\x85" + mask + masked)
    assert found == [head, b"\x81\x85\x00\x00\x00\x00order"]


def test_the_words_of_a_command() -> None:
    assert resp_words(RESP[0]) == [b"EVALSHA", b"abc", b"1\r\n23"]


@asynccontextmanager
async def echo() -> AsyncIterator[tuple[Wire, list[bytes], str]]:
    """A wire to a server that answers each command with itself, and what reached that."""
    reached: list[bytes] = []

    async def answer(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        splitter = RespSplitter()
        while received := await reader.read(100):
            reached.append(received)
            for message in splitter.feed(received):
                writer.write(message)
        writer.close()

    server = await asyncio.start_server(answer, "127.0.0.1", 0)
    port = server.sockets[0].getsockname()[1]
    wire = Wire(lambda: asyncio.open_connection("127.0.0.1", port), RespSplitter)
    async with asyncio.timeout(5), wire.listen() as address:
        yield wire, reached, address
    server.close()


async def say(address: str, message: bytes) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    host, port = address.split(":")
    reader, writer = await asyncio.open_connection(host, int(port))
    writer.write(message)
    return reader, writer


async def end_of(reader: asyncio.StreamReader) -> bool:
    """Whether its connection ends without a word."""
    try:
        return await reader.read(1) == b""
    except ConnectionResetError:
        return True


async def test_what_no_trap_waits_for_passes() -> None:
    async with echo() as (wire, _, address):
        trap = Trap(lambda passage: passage.request == RESP[2])
        wire.traps.append(trap)
        reader, writer = await say(address, RESP[0])
        assert await reader.readexactly(len(RESP[0])) == RESP[0]
        assert not trap.closed.is_set()
        writer.close()


@pytest.mark.parametrize(
    ("where", "sent"),
    [(Where.HELD, 0), (Where.HALF, len(RESP[0]) // 2), (Where.PASSED, len(RESP[0]))],
)
async def test_a_trap_closes_when_so_much_of_its_message_is_delivered(
    where: Where, sent: int
) -> None:
    async with echo() as (wire, reached, address):
        trap = Trap(lambda passage: passage.reply is None and b"abc" in passage.request, where)
        wire.traps.append(trap)
        reader, writer = await say(address, RESP[0])
        await trap.closed.wait()
        await asyncio.sleep(0.02)
        assert b"".join(reached) == RESP[0][:sent]
        trap.open(deliver=True)
        assert await reader.readexactly(len(RESP[0])) == RESP[0]
        assert len(trap.caught) == 1
        writer.close()


async def test_a_reply_is_told_by_what_it_answers_and_can_be_lost() -> None:
    async with echo() as (wire, reached, address):
        trap = Trap(lambda passage: passage.reply is not None and passage.request == RESP[1])
        wire.traps.append(trap)
        reader, writer = await say(address, RESP[3] + RESP[1])
        assert await reader.readexactly(len(RESP[3])) == RESP[3]
        await trap.closed.wait()
        assert b"".join(reached) == RESP[3] + RESP[1]
        trap.open(deliver=False)
        assert await end_of(reader)
        writer.close()


async def test_what_is_held_is_delivered_though_its_sender_has_gone() -> None:
    async with echo() as (wire, reached, address):
        trap = Trap(lambda passage: True)
        wire.traps.append(trap)
        _, writer = await say(address, RESP[0])
        await trap.closed.wait()
        writer.transport.abort()
        await asyncio.sleep(0.02)
        assert reached == []
        trap.open(deliver=True)
        await asyncio.sleep(0.05)
        assert b"".join(reached) == RESP[0]


async def test_a_dead_wire_says_nothing_and_goes_on_where_it_was() -> None:
    async with echo() as (wire, reached, address):
        wire.alive.clear()
        reader, writer = await say(address, RESP[0])
        await asyncio.sleep(0.05)
        assert reached == []
        wire.alive.set()
        assert await reader.readexactly(len(RESP[0])) == RESP[0]
        writer.close()


async def test_only_connections_without_a_question_are_idle() -> None:
    async with echo() as (wire, _, address):
        trap = Trap(lambda passage: passage.request == RESP[0] and passage.reply is not None)
        wire.traps.append(trap)
        asking, one = await say(address, RESP[0])
        idle, other = await say(address, RESP[1])
        assert await idle.readexactly(len(RESP[1])) == RESP[1]
        await trap.closed.wait()
        wire.cut_idle()
        assert await end_of(idle)
        trap.open(deliver=True)
        assert await asking.readexactly(len(RESP[0])) == RESP[0]
        one.close()
        other.close()
