"""How does real code read simulated clocks, and draw the same numbers each time?"""

import logging
import random
import secrets
import time
from collections.abc import Iterator, MutableMapping
from contextlib import contextmanager
from typing import Any
from unittest.mock import patch

import structlog

from tests.simulation.virtual_loop import VirtualLoop
from tests.simulation.world import World

_WALL_US = 1_700_000_000_000_000


@contextmanager
def simulated(world: World) -> Iterator[None]:
    """Let everything in the block read the clocks of the process that runs, and of nothing else."""
    loop: VirtualLoop = world.loop
    draw = random.Random(f"names {world.plan.seed}")

    def monotonic() -> float:
        return loop.current.monotonic_s(loop.now_us)

    def wall_us() -> int:
        return _WALL_US + loop.now_us + loop.current.skew_us

    def hexadecimal(bytes_count: int = 32) -> str:
        return f"{draw.getrandbits(8 * bytes_count):0{2 * bytes_count}x}"

    with (
        patch.object(time, "monotonic", monotonic),
        patch.object(time, "monotonic_ns", lambda: int(monotonic() * 1e9)),
        patch.object(time, "perf_counter", monotonic),
        patch.object(time, "time", lambda: wall_us() / 1e6),
        patch.object(time, "time_ns", lambda: wall_us() * 1000),
        patch.object(secrets, "token_hex", hexadecimal),
        patch.object(secrets, "randbelow", draw.randrange),
        patch.object(random, "random", draw.random),
        patch.object(random, "uniform", draw.uniform),
    ):
        yield


@contextmanager
def watched_logs(world: World) -> Iterator[None]:
    """Have it count as a violation when the gateway logs that a task failed; log nothing."""

    def see(logger: Any, method: str, event: MutableMapping[str, Any]) -> MutableMapping[str, Any]:
        if event.get("event") in ("a task failed", "a background task failed"):
            world.violate(f"logged: {event.get('event')} {event.get('exc_info')!r}")
        raise structlog.DropEvent

    kept = structlog.get_config()
    structlog.configure(
        processors=[see],
        wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR),
        cache_logger_on_first_use=False,
    )
    try:
        yield
    finally:
        structlog.configure(**kept)
