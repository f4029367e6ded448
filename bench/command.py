"""How is the benchmark run?  Touches the terminal, build/bench.json, and what `stage` touches."""

import asyncio
import os
import platform
import sys
import tempfile
import time
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import click
import orjson
from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeElapsedColumn

from bench.figures import figures_of
from bench.measure import Contest, Sample, contest
from bench.processor import Cores, share_out
from bench.report import ratio_table, variant_table
from bench.stage import stage
from bench.talking_process import BenchFailedError
from bench.variant import PHASES, VARIANTS
from okx_gateway.cli.child_process import ChildFailedError
from okx_gateway.cli.embedded_valkey import NoServerError

_ROOT = Path(__file__).resolve().parent.parent
_OUTPUT = _ROOT / "build" / "bench.json"
# What the shell has set must not change what is measured.
_NOT_INHERITED = ("OKX_GATEWAY_", "OTEL_")
_SPANS_WAIT_S = 5.0
_WARM_UP_S = 0.5


@dataclass(frozen=True, slots=True)
class _Extent:
    rounds: int
    seconds: float


_FULL = _Extent(rounds=5, seconds=2.5)
_QUICK = _Extent(rounds=2, seconds=0.7)


@click.command()
@click.option("--quick", is_flag=True, help="About 60 s in place of 250 s; more noise.")
@click.option(
    "--only",
    multiple=True,
    type=click.Choice([each.name for each in VARIANTS]),
    help="Measure this alone; may be repeated. Ratios need both of their sides.",
)
@click.option(
    "--output",
    type=click.Path(dir_okay=False, path_type=Path),
    default=_OUTPUT,
    show_default="build/bench.json",
    help="Where the figures go, one flat JSON object.",
)
def main(*, quick: bool, only: tuple[str, ...], output: Path) -> None:
    """Measure the gateway beside a bare gRPC echo, ccxt and python-okx, on this machine.

    Starts a simulated exchange, Valkey and the gateway, pins them to cores, and measures everything
    in turns: as fast as it goes, and at a fixed rate for the latency. Needs Linux.
    """
    if sys.platform != "linux":
        raise click.ClickException("the benchmark reads /proc and pins processes, as Linux has it")
    for name in [name for name in os.environ if name.startswith(_NOT_INHERITED)]:
        del os.environ[name]
    os.chdir(_ROOT)  # so that the programs it starts find `bench`
    extent, cores = _QUICK if quick else _FULL, share_out(os.sched_getaffinity(0))
    console = Console(highlight=False)
    start_s = time.monotonic()
    try:
        samples, spans = asyncio.run(_measured(extent, cores, only, console))
    except (BenchFailedError, ChildFailedError, NoServerError, OSError) as error:
        raise click.ClickException(str(error)) from error
    figures = figures_of(samples)
    console.print(variant_table(figures), ratio_table(figures))
    _tell_failures(console, samples)
    console.print(f"{len(os.sched_getaffinity(0))} cores: {cores.in_words()}.")
    written = {
        **{name: round(value, 4) for name, value in figures.items()},
        **_circumstances(extent, cores),
        "run.spans_received": spans,
        "run.seconds": round(time.monotonic() - start_s, 1),
    }
    output.parent.mkdir(parents=True, exist_ok=True)
    output.write_bytes(orjson.dumps(written, option=orjson.OPT_INDENT_2) + b"\n")
    console.print(f"Figures are in {output}.")


async def _measured(
    extent: _Extent, cores: Cores, only: Sequence[str], console: Console
) -> tuple[list[Sample], int]:
    """Return every sample, and how many spans the gateway has sent meanwhile."""
    with tempfile.TemporaryDirectory(prefix="okx-gateway-bench-") as folder:
        async with (
            stage(Path(folder), cores, console.print) as running,
            contest(running, cores, only, console.print) as contenders,
        ):
            samples = await _all_rounds(contenders, extent, console)
            answer = await running.spans.ask({}, wait_s=_SPANS_WAIT_S)
    return samples, int(answer["spans"])


async def _all_rounds(contenders: Contest, extent: _Extent, console: Console) -> list[Sample]:
    samples: list[Sample] = []
    columns = (TextColumn("{task.description:<44}"), BarColumn(), TimeElapsedColumn())
    with Progress(*columns, console=console) as progress:
        bar = progress.add_task("", total=extent.rounds * contenders.steps)
        for phase in PHASES:
            async for _ in contenders.round(0, phase, _WARM_UP_S):
                progress.update(bar, description="warming up")
            for number in range(1, extent.rounds + 1):
                progress.update(bar, description=f"round {number} of {extent.rounds}")
                async for sample in contenders.round(number, phase, extent.seconds):
                    samples.append(sample)
                    progress.update(bar, advance=1, description=_told(sample, extent))
    return samples


def _told(sample: Sample, extent: _Extent) -> str:
    drive = sample.drive.name.lower()
    return f"round {sample.round} of {extent.rounds}: did {sample.variant} {drive}"


def _tell_failures(console: Console, samples: Sequence[Sample]) -> None:
    failures: Counter[str] = Counter()
    for sample in samples:
        failures.update({f"{sample.variant}: {k}": n for k, n in sample.failures.items()})
    for kind, count in failures.most_common(10):
        console.print(f"[red]{count} times {kind}[/]", soft_wrap=True)


def _circumstances(extent: _Extent, cores: Cores) -> dict[str, Any]:
    return {
        "machine.cores": len(os.sched_getaffinity(0)),
        "machine.architecture": platform.machine(),
        "machine.python": platform.python_version(),
        "machine.pinning": cores.in_words(),
        "run.rounds": extent.rounds,
        "run.seconds_per_sample": extent.seconds,
    }
