"""In which order is everything measured?  Touches processes, /proc and Valkey.

Every round measures each variant once, so that whatever else the machine does meets all of them.
"""

from collections.abc import AsyncIterator, Callable, Sequence
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import asdict, dataclass
from typing import Any

from redis.asyncio import Redis

from bench.processor import Cores, cpu_s
from bench.stage import Stage, until_connected
from bench.talking_process import BenchFailedError, TalkingProcess, talking_process
from bench.variant import VARIANTS, Drive, Target, Variant, work_of

_ANSWER_WAIT_S = 30.0
_TRIES = 5
_OVER_SOCKETS = (Target.GATEWAY_GRPC, Target.GATEWAY_REST)


@dataclass(frozen=True, slots=True)
class Sample:
    """One variant in one round: `count` successes within `seconds`, the rest by kind of failure.

    `cpu_s` is of what is measured, `load_cpu_s` of what called it where that is another process.
    `redis_reads` counts how often Valkey found something on a socket, `redis_scripts` the scripts
    it ran, and `redis_scripts_us` how long it ran them.
    """

    variant: str
    drive: Drive
    round: int
    count: int
    seconds: float
    cpu_s: float
    load_cpu_s: float | None
    p50_ms: float
    p99_ms: float
    failures: dict[str, int]
    redis_reads: int
    redis_scripts: int
    redis_scripts_us: int


@dataclass(frozen=True, slots=True)
class _RedisCounts:
    reads: int
    scripts: int
    scripts_us: int


@dataclass(frozen=True, slots=True)
class _Contender:
    variant: Variant
    load: TalkingProcess
    measured_pid: int


class Contest:
    """Everything that is measured, running; use `contest` to make one."""

    def __init__(self, stage: Stage, contenders: Sequence[_Contender]) -> None:
        self._stage = stage
        self._contenders = contenders
        self._redis = Redis.from_url(stage.redis_url, decode_responses=True)

    @property
    def steps(self) -> int:
        """How many samples a round has."""
        return sum(len(each.variant.drives) for each in self._contenders)

    async def round(
        self, number: int, phase: Sequence[Drive], seconds: float
    ) -> AsyncIterator[Sample]:
        """Measure everything that is driven so once, `seconds` each; round 0 is to warm up.

        Raises:
            BenchFailedError: Nothing of what a variant did succeeded, or a socket was not made.
        """
        for drive in phase:
            for contender in self._contenders:
                variant = contender.variant
                if drive not in variant.drives:
                    continue
                yield await self._sample(contender, drive, number, seconds)
                if not number and drive is Drive.SATURATED and variant.target in _OVER_SOCKETS:
                    # An account's first order has its WebSocket made, three in a second.
                    await until_connected(self._stage)

    async def _sample(
        self, contender: _Contender, drive: Drive, number: int, seconds: float
    ) -> Sample:
        load, measured_pid = contender.load, contender.measured_pid
        before = await self._redis_counts()
        cpu_before_s, load_before_s = cpu_s(measured_pid), cpu_s(load.pid)
        # What has to be connected first may take longer than a round to warm up.
        for _ in range(_TRIES if not number else 1):
            answer: dict[str, Any] = await load.ask(
                asdict(work_of(drive, seconds)), wait_s=seconds + _ANSWER_WAIT_S
            )
            if answer["count"] or answer["failures"]:
                break
        used_s, load_used_s = cpu_s(measured_pid) - cpu_before_s, cpu_s(load.pid) - load_before_s
        after = await self._redis_counts()
        if not answer["count"]:
            raise BenchFailedError(f"{contender.variant.name}: nothing but {answer['failures']}")
        return Sample(
            variant=contender.variant.name,
            drive=drive,
            round=number,
            cpu_s=used_s,
            load_cpu_s=load_used_s if load.pid != measured_pid else None,
            # Asking is a read of its own.
            redis_reads=after.reads - before.reads - 2,
            redis_scripts=after.scripts - before.scripts,
            redis_scripts_us=after.scripts_us - before.scripts_us,
            **answer,
        )

    async def _redis_counts(self) -> _RedisCounts:
        stats = await self._redis.info("stats")
        commands = await self._redis.info("commandstats")
        scripts = commands.get("cmdstat_evalsha", {"calls": 0, "usec": 0})
        return _RedisCounts(
            int(stats["total_reads_processed"]), int(scripts["calls"]), int(scripts["usec"])
        )

    async def close(self) -> None:
        """Let go of Valkey."""
        await self._redis.aclose()


@asynccontextmanager
async def contest(
    stage: Stage, cores: Cores, names: Sequence[str], tell: Callable[[str], None]
) -> AsyncIterator[Contest]:
    """Start what calls and the bare server; only the variants in `names`, or all where it is empty.

    Raises:
        BenchFailedError: A part did not start, or its first call failed.
    """
    wanted = [each for each in VARIANTS if each.name in names or not names]
    async with AsyncExitStack() as stack:
        tell("Learning the sizes of messages")
        echo = await _start_echo(stack, stage, cores)
        targets = {
            Target.ECHO: (echo.greeting["target"], echo.pid),
            Target.GATEWAY_GRPC: (stage.grpc, stage.gateway.pid),
            Target.GATEWAY_REST: (stage.rest, stage.gateway.pid),
            Target.GATEWAY_BY_POST: (stage.by_post, stage.by_post_pid),
            Target.EXCHANGE: (stage.exchange, 0),
            Target.VALKEY: (stage.redis_url, 0),
        }
        contenders = []
        for variant in wanted:
            tell(f"Connecting {variant.name}")
            address, measured_pid = targets[variant.target]
            load = await stack.enter_async_context(
                talking_process(
                    "load",
                    [variant.caller, str(stage.plan_file), address],
                    cores=cores.load if measured_pid else cores.measured,
                )
            )
            contenders.append(_Contender(variant, load, measured_pid or load.pid))
        made = Contest(stage, contenders)
        stack.push_async_callback(made.close)
        yield made


async def _start_echo(stack: AsyncExitStack, stage: Stage, cores: Cores) -> TalkingProcess:
    """Start the bare server; its messages are as long as those of the gateway."""
    learnt: dict[str, int] = {}
    for caller in ("grpc_unary", "grpc_stream"):
        arguments = [caller, str(stage.plan_file), stage.grpc]
        async with talking_process("load", arguments, cores=cores.load) as load:
            learnt |= load.greeting
    sizes = [str(learnt["response_bytes"]), str(learnt["message_bytes"])]
    return await stack.enter_async_context(
        talking_process("echo_server", sizes, cores=cores.measured)
    )
