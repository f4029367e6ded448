import asyncio
from typing import Any

import pytest

from okx_simulator.fault.faults import Faults
from okx_simulator.fault.rule import Kind, read_rule
from okx_simulator.websocket.channel import Url
from okx_simulator.websocket.error import CloseCode
from okx_simulator.websocket.session import Session
from okx_simulator.websocket.socket import OUTGOING_FRAMES_MAX, Silence, Socket


class _Wire:
    """Both ends of aiohttp's part: what was written, and whether it was cut."""

    def __init__(self) -> None:
        self.written: list[str] = []
        self.closed: tuple[int, bytes] | None = None
        self.is_aborted = False
        self.fails = False

    async def send_str(self, text: str) -> None:
        if self.fails:
            raise ConnectionResetError
        self.written.append(text)

    async def close(self, code: int, message: bytes) -> None:
        self.closed = (code, message)

    def abort(self) -> None:
        self.is_aborted = True

    def is_closing(self) -> bool:
        return self.is_aborted


def _socket(wire: _Wire, *written: dict[str, Any]) -> Socket:
    session = Session(Url.PUBLIC, "c1", "127.0.0.1", is_demo=False)
    faults = Faults(1, [read_rule(one, f"f{n}") for n, one in enumerate(written)])
    stand_in: Any = wire
    return Socket(stand_in, stand_in, session, faults)


async def _drain(socket: Socket) -> None:
    """Let the writer write all there is."""
    writing = asyncio.create_task(socket.write())
    await asyncio.sleep(0.01)
    writing.cancel()


async def test_frames_leave_in_order_and_the_close_is_last() -> None:
    wire = _Wire()
    socket = _socket(wire)
    for text in ("a", "b"):
        socket.send(text)
    socket.close(CloseCode.NO_DATA)
    await _drain(socket)
    assert wire.written == ["a", "b"]
    assert wire.closed == (4004, b"No data received in 30s")
    assert socket.is_gone


async def test_a_slow_reader_is_closed_with_4005_instead_of_what_waits() -> None:
    wire = _Wire()
    socket = _socket(wire)
    for _ in range(OUTGOING_FRAMES_MAX + 10):
        socket.push("x", "tickers")
    await _drain(socket)
    assert wire.closed == (4005, b"Buffer is full, cannot write data")
    assert len(wire.written) < 100


@pytest.mark.parametrize(
    ("kind", "pong", "silence"),
    [
        (Kind.STALL, False, Silence.STALLED),
        (Kind.STALL, True, Silence.STALLED_BUT_PONG),
        (Kind.HALF_OPEN, True, Silence.HALF_OPEN),
    ],
)
async def test_a_silent_socket_sends_nothing_but_perhaps_pongs(
    *, kind: Kind, pong: bool, silence: Silence
) -> None:
    wire = _Wire()
    socket = _socket(wire)
    socket.fall_silent(kind, pong=pong)
    socket.send("x")
    socket.push("y", "tickers")
    socket.pong()
    await _drain(socket)
    assert socket.silence is silence
    assert wire.written == (["pong"] if silence is Silence.STALLED_BUT_PONG else [])


async def test_pushes_are_struck_and_answers_are_not() -> None:
    wire = _Wire()
    socket = _socket(
        wire,
        {"kind": "lose_push", "count": 1},
        {"kind": "repeat_push", "count": 1},
        {"kind": "stall", "match": {"channel": "books"}},
    )
    for text in ("lost", "twice", "once"):
        socket.push(text, "tickers")
    socket.push("never", "books")
    await _drain(socket)
    assert wire.written == ["twice", "twice", "once"]
    assert socket.silence is Silence.STALLED


async def test_an_aborted_socket_writes_no_more() -> None:
    wire = _Wire()
    socket = _socket(wire)
    socket.send("a")
    socket.abort()
    socket.send("b")
    await _drain(socket)
    assert (wire.written, wire.is_aborted) == ([], True)


async def test_a_connection_that_breaks_ends_the_writing() -> None:
    wire = _Wire()
    wire.fails = True
    socket = _socket(wire)
    socket.send("a")
    async with asyncio.timeout(1):
        await socket.write()
    assert socket.is_gone


async def test_lingering_ends_when_the_client_gives_up() -> None:
    wire = _Wire()
    socket = _socket(wire)
    lingering = asyncio.create_task(socket.linger())
    await asyncio.sleep(0.05)
    assert not lingering.done()
    wire.abort()
    async with asyncio.timeout(1):
        await lingering
