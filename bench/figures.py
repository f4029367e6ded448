"""What do the samples come to?  Pure.

Each figure is the median over rounds, beside it the least and the greatest. A ratio is made within
each round, where both of its sides met the same machine.
"""

import statistics
from collections import defaultdict
from collections.abc import Callable, Iterable

from bench.measure import Sample
from bench.variant import Drive

Figures = dict[str, float]
_US_PER_S = 1_000_000
_PER_SAMPLE: dict[Drive, dict[str, Callable[[Sample], float]]] = {
    Drive.SATURATED: {
        "per_s": lambda it: it.count / it.seconds,
        "cpu_us": lambda it: it.cpu_s / it.count * _US_PER_S,
        "core_busy": lambda it: it.cpu_s / it.seconds,
    },
    Drive.PACED: {
        "p50_ms": lambda it: it.p50_ms,
        "p99_ms": lambda it: it.p99_ms,
        "paced_cpu_us": lambda it: it.cpu_s / it.count * _US_PER_S,
        "paced_per_s": lambda it: it.count / it.seconds,
    },
}
_PER_SAMPLE[Drive.STREAMED] = _PER_SAMPLE[Drive.SATURATED]
_OF_THE_LEDGER: dict[str, Callable[[Sample], float]] = {
    "redis_reads": lambda it: it.redis_reads / it.count,
    "redis_scripts": lambda it: it.redis_scripts / it.count,
    "redis_us": lambda it: it.redis_scripts_us / it.count,
}
_THROUGH_THE_LEDGER = ("place_order", "place_order_rest", "ledger")
# Of each round: name, and the two figures it is made of.
_QUOTIENTS = {
    "place_order.throughput_vs_echo": ("place_order.per_s", "echo.per_s"),
    "place_order.per_core_vs_echo": ("echo.cpu_us", "place_order.cpu_us"),
    "ledger.cpu_vs_place_order": ("ledger.cpu_us", "place_order.cpu_us"),
    "place_order.cpu_vs_ccxt": ("place_order.cpu_us", "ccxt.cpu_us"),
    "place_order.cpu_vs_python_okx": ("place_order.cpu_us", "python_okx.cpu_us"),
    "place_order.cpu_vs_by_post": ("place_order.cpu_us", "place_order_by_post.cpu_us"),
    "place_order.p50_vs_by_post": ("place_order.p50_ms", "place_order_by_post.p50_ms"),
    "place_order_rest.throughput_vs_echo": ("place_order_rest.per_s", "echo.per_s"),
    "stream.messages_vs_raw": ("stream_raw.cpu_us", "stream.cpu_us"),
    "stream.throughput_vs_raw": ("stream.per_s", "stream_raw.per_s"),
}
_DIFFERENCES = {
    "place_order.added_p50_ms": ("place_order.p50_ms", "signed_post.p50_ms"),
    "place_order.added_p99_ms": ("place_order.p99_ms", "signed_post.p99_ms"),
    "place_order_rest.added_p50_ms": ("place_order_rest.p50_ms", "signed_post.p50_ms"),
    "place_order_rest.added_p99_ms": ("place_order_rest.p99_ms", "signed_post.p99_ms"),
}


def figures_of(samples: Iterable[Sample]) -> Figures:
    """Return every figure by name, with `_min` and `_max` where rounds may differ."""
    by_round: defaultdict[int, Figures] = defaultdict(dict)
    failures: defaultdict[str, float] = defaultdict(float)
    for sample in samples:
        by_round[sample.round].update(_of_sample(sample))
        failures[f"{sample.variant}.failures"] += sum(sample.failures.values())
    for figures in by_round.values():
        figures.update(_of_pairs(figures, _QUOTIENTS, lambda one, other: one / other))
        figures.update(_of_pairs(figures, _DIFFERENCES, lambda one, other: one - other))
    names = {name: None for figures in by_round.values() for name in figures}
    spread: Figures = {}
    for name in names:
        values = [figures[name] for figures in by_round.values() if name in figures]
        spread[name] = statistics.median(values)
        spread[f"{name}_min"], spread[f"{name}_max"] = min(values), max(values)
    return {**spread, **failures}


def _of_sample(sample: Sample) -> Figures:
    kinds = _PER_SAMPLE[sample.drive]
    figures = {f"{sample.variant}.{kind}": make(sample) for kind, make in kinds.items()}
    if sample.load_cpu_s is not None and sample.drive is not Drive.PACED:
        figures[f"{sample.variant}.load_core_busy"] = sample.load_cpu_s / sample.seconds
    if sample.variant in _THROUGH_THE_LEDGER:
        prefix = "saturated_" if sample.drive is Drive.SATURATED else ""
        for kind, make in _OF_THE_LEDGER.items():
            figures[f"{sample.variant}.{prefix}{kind}"] = make(sample)
    return figures


def _of_pairs(
    figures: Figures, pairs: dict[str, tuple[str, str]], make: Callable[[float, float], float]
) -> Figures:
    return {
        name: make(figures[one], figures[other])
        for name, (one, other) in pairs.items()
        if one in figures and other in figures
    }
