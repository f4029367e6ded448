"""Waiting for what happens by itself."""

import asyncio
from collections.abc import Callable


async def until(true: Callable[[], object], *, within_s: float = 2.0) -> None:
    """Wait until `true` says so; fails where it does not in time."""
    async with asyncio.timeout(within_s):
        while not true():  # noqa: ASYNC110  # told by nobody
            await asyncio.sleep(0.001)
