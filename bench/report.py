"""How are the figures shown to a person?  Pure: rows for the terminal."""

from rich.box import SIMPLE_HEAD
from rich.table import Table

from bench.figures import Figures
from bench.variant import CALLS_AT_ONCE, CALLS_PER_S, READERS, VARIANTS

_COLUMNS = {
    "per s": "per_s",
    "CPU us": "cpu_us",
    "core\nbusy": "core_busy",
    f"p50 ms\nat {CALLS_PER_S:.0f}/s": "p50_ms",
    f"p99 ms\nat {CALLS_PER_S:.0f}/s": "p99_ms",
}
_RATIOS = {
    "place_order.throughput_vs_echo": "orders per second through the gateway, of a bare echo's",
    "place_order.per_core_vs_echo": "the same per busy core",
    "place_order_rest.throughput_vs_echo": "the same over REST, orders per second",
    "place_order.cpu_vs_by_post": "CPU per order over OKX's WebSocket, of that over its REST",
    "place_order.p50_vs_by_post": "the same for p50",
    "place_order.cpu_vs_ccxt": "the gateway's CPU per order, of what ccxt costs its caller",
    "place_order.cpu_vs_python_okx": "the same beside python-okx",
    "place_order.added_p50_ms": "p50 that the gateway adds to one bare signed POST, ms",
    "place_order.added_p99_ms": "the same for p99",
    "ledger.cpu_vs_place_order": "CPU of the ledger, of all that the gateway spends on an order",
    "ledger.saturated_redis_us": "time that Valkey spends on an order, us",
    "place_order.redis_reads": "round trips to Valkey per order at the fixed rate, one awaited",
    "place_order.saturated_redis_reads": "the same as fast as it goes",
    "stream.messages_vs_raw": "ticker messages per CPU second, of a bare stream's",
    "stream.throughput_vs_raw": "ticker messages per second, of a bare stream's",
}


def variant_table(figures: Figures) -> Table:
    """One row per variant that was measured: medians, and below them the least and the greatest."""
    table = _table(f"{CALLS_AT_ONCE} calls at once, or {READERS} readers")
    for name in _COLUMNS:
        table.add_column(name, justify="right", no_wrap=True)
    for variant in VARIANTS:
        shown = [_spread(figures, f"{variant.name}.{kind}") for kind in _COLUMNS.values()]
        if any(shown):
            table.add_row(f"{variant.name}\n[dim]{variant.words}[/]", *shown)
    return table


def ratio_table(figures: Figures) -> Table:
    """One row per ratio that could be made."""
    table = _table("Ratios and differences")
    table.add_column("figure", justify="right", no_wrap=True)
    for name, meaning in _RATIOS.items():
        shown = _spread(figures, name)
        if shown:
            table.add_row(f"{name}\n[dim]{meaning}[/]", shown)
    return table


def _table(title: str) -> Table:
    table = Table(
        title=title,
        title_justify="left",
        box=SIMPLE_HEAD,
        show_edge=False,
        collapse_padding=True,
        pad_edge=False,
    )
    table.add_column("what", no_wrap=True)
    return table


def _spread(figures: Figures, name: str) -> str:
    if name not in figures:
        return ""
    least, greatest = _short(figures[f"{name}_min"]), _short(figures[f"{name}_max"])
    return f"{_short(figures[name])}\n[dim]{least}-{greatest}[/]"


def _short(value: float) -> str:
    """Write a figure with the three digits that mean something, and all before the point."""
    places = 2 if abs(value) < 10 else 1 if abs(value) < 100 else 0
    return f"{value:.{places}f}"
