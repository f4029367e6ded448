"""Which figures does a running gateway tell of its promises?  Touches OpenTelemetry's API only.

Beside the layers, so that each of them can use it. What is counted by window is counted by the
limit it is a window of: there are as many windows as instruments.
"""

from opentelemetry import metrics
from opentelemetry.metrics import Meter

# Name below okx_gateway, unit, meaning; docs/metrics.md says the same.
_GAUGES = (
    ("order.validity", "s", "For how long after its slot OKX may take an order, as it is set."),
    (
        "absence.margin",
        "s",
        "How long after its validity an order's absence is proof, as it is set.",
    ),
    ("budget.jitter", "s", "By how much windows are wider than OKX's, as set and in force."),
    (
        "exchange.queue_time_late",
        "s",
        "What all but one in 10,000 queue times of the last hour stay within.",
    ),
    ("orders.in_doubt", "", "Orders whose outcome this replica is finding out."),
    ("doubt.oldest", "s", "How long ago the oldest order in doubt was sent; 0 without one."),
    (
        "ledger.open_rows",
        "",
        "Orders of all replicas under way or in doubt, and cancels that wait.",
    ),
    ("ledger.overdue", "s", "For how long the oldest of these has been left by its replica."),
    (
        "live.usable",
        "",
        "1 while a private channel of an account tells all there is, or else 0: then OKX is asked.",
    ),
    ("alarm", "", "1 while somebody should look at what the alarm names, or else 0."),
)
_COUNTERS = (
    (
        "orders.routed",
        "Requests about orders by the way that they were given to, and why where it was REST.",
    ),
    (
        "orders.turned_away",
        "Requests that a WebSocket provably did not take, each sent over REST next.",
    ),
    ("budget.throttled", "Requests that OKX refused for too many, against our record. Must be 0."),
    (
        "ledger.epoch_changes",
        "How often the ledger of an account may have lost what was on record.",
    ),
    ("live.lists_read", "How often OKX's lists were read to catch up with an account's orders."),
    (
        "stream.readers_stalled",
        "Streams that were ended because nothing of them was read for too long.",
    ),
    (
        "stream.values_skipped",
        "Values that readers of a stream were too slow for: newer ones were told in their place.",
    ),
    ("identity.refused", "Calls whose caller was not known, and why."),
    ("identity.reads", "How often the file of identities had changed, and what came of it."),
    ("certificate.reads", "How often the gateway's certificate had changed, and what came of it."),
    ("policy.reads", "How often the file of the policy had changed, and what came of it."),
    ("policy.denied", "Calls that the policy denies, and whether that is enforced."),
    (
        "policy.limits_exceeded",
        "Orders and amends beyond a limit of their caller, and whether that is enforced.",
    ),
    ("live.rows_unread", "Rows of private channels that could not be read. Must be 0."),
)
# In seconds; the boundaries of their buckets last.
_HISTOGRAMS = (
    (
        "budget.wait",
        "How far ahead the slot of a request lay when it was first asked for.",
        (0.0, 0.01, 0.05, 0.1, 0.25, 0.5, 1, 2, 4, 8, 16, 32),
    ),
    (
        "exchange.queue_time",
        "How long OKX took from an order's arrival to having processed it.",
        (0.001, 0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10),
    ),
)


class Instruments:
    """All of them, by their names."""

    def __init__(self, meter: Meter) -> None:
        self.gauges = {
            name: meter.create_gauge(f"okx_gateway.{name}", unit, meaning)
            for name, unit, meaning in _GAUGES
        }
        self.counters = {
            name: meter.create_counter(f"okx_gateway.{name}", "", meaning)
            for name, meaning in _COUNTERS
        }
        self.histograms = {
            name: meter.create_histogram(
                f"okx_gateway.{name}", "s", meaning, explicit_bucket_boundaries_advisory=bounds
            )
            for name, meaning, bounds in _HISTOGRAMS
        }


_TOLD = Instruments(metrics.get_meter("okx_gateway"))


def settings_in_force(*, validity_s: float, margin_s: float) -> None:
    """Tell the times that the proof of absence rests on."""
    _TOLD.gauges["order.validity"].set(validity_s)
    _TOLD.gauges["absence.margin"].set(margin_s)


def jitter(*, set_s: float, in_force_s: float) -> None:
    """Tell by how much windows are widened."""
    _TOLD.gauges["budget.jitter"].set(set_s, {"source": "setting"})
    _TOLD.gauges["budget.jitter"].set(in_force_s, {"source": "in_force"})


def waited(window: str, wait_s: float) -> None:
    """Tell how far ahead a slot lay."""
    _TOLD.histograms["budget.wait"].record(wait_s, {"window": _limit_of(window)})


def throttled(window: str) -> None:
    """Tell that OKX refused a request for too many in `window`."""
    _TOLD.counters["budget.throttled"].add(1, {"window": _limit_of(window)})


def queued(window: str, queue_time_s: float) -> None:
    """Tell how long OKX took for one order."""
    _TOLD.histograms["exchange.queue_time"].record(queue_time_s, {"window": _limit_of(window)})


def queue_time_late(late_s: float) -> None:
    """Tell what almost all queue times stay within."""
    _TOLD.gauges["exchange.queue_time_late"].set(late_s)


def doubts(count: int, oldest_s: float) -> None:
    """Tell how many doubts this replica looks into, and how old the oldest is."""
    _TOLD.gauges["orders.in_doubt"].set(count)
    _TOLD.gauges["doubt.oldest"].set(oldest_s)


def open_rows(count: int, overdue_s: float) -> None:
    """Tell how many rows of all replicas are open, and how long the oldest was left."""
    _TOLD.gauges["ledger.open_rows"].set(count)
    _TOLD.gauges["ledger.overdue"].set(overdue_s)


def epoch_changed() -> None:
    """Tell that an account's ledger may have lost what was on record."""
    _TOLD.counters["ledger.epoch_changes"].add(1)


def routed(operation: str, way: str, because: str) -> None:
    """Tell which way a request about orders is given to."""
    labels = {"operation": operation, "way": way, "because": because}
    _TOLD.counters["orders.routed"].add(1, labels)


def turned_away(code: str) -> None:
    """Tell that a WebSocket did not take a request."""
    _TOLD.counters["orders.turned_away"].add(1, {"okx_code": code})


def live_state(channel: str, account: str, *, usable: bool) -> None:
    """Tell whether answers about an account come from its channel."""
    _TOLD.gauges["live.usable"].set(int(usable), {"channel": channel, "account": account})


def lists_read(account: str) -> None:
    """Tell that the lists of an account's orders were read."""
    _TOLD.counters["live.lists_read"].add(1, {"account": account})


def row_unread(channel: str) -> None:
    """Tell that a row of a channel could not be read."""
    _TOLD.counters["live.rows_unread"].add(1, {"channel": channel})


def reader_stalled(rpc: str) -> None:
    """Tell that a stream was ended of which nothing was read."""
    _TOLD.counters["stream.readers_stalled"].add(1, {"rpc": rpc})


def values_skipped(rpc: str, count: int) -> None:
    """Tell how many values a reader was too slow for."""
    _TOLD.counters["stream.values_skipped"].add(count, {"rpc": rpc})


def identity_refused(because: str) -> None:
    """Tell that a caller was not known."""
    _TOLD.counters["identity.refused"].add(1, {"because": because})


def identities_read(result: str) -> None:
    """Tell that the file of identities has changed, and whether it is in force."""
    _TOLD.counters["identity.reads"].add(1, {"result": result})


def certificate_read(result: str) -> None:
    """Tell that the gateway's certificate has changed, and whether it is in force."""
    _TOLD.counters["certificate.reads"].add(1, {"result": result})


def policy_read(result: str) -> None:
    """Tell that the file of the policy has changed, and whether it is in force."""
    _TOLD.counters["policy.reads"].add(1, {"result": result})


def denied(rpc: str, *, enforced: bool) -> None:
    """Tell that a call is not permitted."""
    _TOLD.counters["policy.denied"].add(1, {"rpc": rpc, "enforced": enforced})


def limit_exceeded(limit: str, *, enforced: bool) -> None:
    """Tell that an order is beyond a limit of its caller."""
    _TOLD.counters["policy.limits_exceeded"].add(1, {"limit": limit, "enforced": enforced})


def alarm(name: str, *, sounds: bool) -> None:
    """Tell whether an alarm sounds."""
    _TOLD.gauges["alarm"].set(int(sounds), {"alarm": name})


def _limit_of(window: str) -> str:
    """`place_order` of `place_order:BTC-USDT`."""
    return window.partition(":")[0]
