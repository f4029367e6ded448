"""How does a program of the benchmark talk with the one that started it?  Touches stdin and stdout.

One JSON object a line: a greeting, then an answer to each question, until stdin ends.
"""

import asyncio
import sys
from collections.abc import Awaitable, Callable
from typing import Any

import orjson


async def converse(
    greeting: dict[str, Any], answer: Callable[[dict[str, Any]], Awaitable[dict[str, Any]]]
) -> None:
    """Greet, then answer questions one after the other until there are no more."""
    reader = asyncio.StreamReader()
    await asyncio.get_running_loop().connect_read_pipe(
        lambda: asyncio.StreamReaderProtocol(reader), sys.stdin
    )
    _tell(greeting)
    while line := await reader.readline():
        _tell(await answer(orjson.loads(line)))


def _tell(words: dict[str, Any]) -> None:
    sys.stdout.write(orjson.dumps(words).decode() + "\n")
    sys.stdout.flush()
