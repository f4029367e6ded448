"""What happens in one schedule?  Drawn from its seed as data: one seed, one plan."""

import random
from dataclasses import dataclass, replace

from okx_gateway.okx.order_sockets import RouteSetting
from tests.simulation.exchange import Habits

REPLICAS = 3
# Where a process can be struck: before it hands something over, while it is under way, once it has
# arrived or been done, and as the answer comes. `{}` is a script of the ledger or a request to OKX.
SCRIPT_POINTS = ("{}.called", "{}.arrives", "{}.ran", "{}.answered")
REQUEST_POINTS = ("{}.begun", "{}.guarded", "{}.written", "{}.arrives", "{}.done", "{}.answered")
# At these the process itself is running: it can be stopped between two statements.
INSIDE = ("called", "begun", "guarded", "written")

SCRIPTS = (
    *("admit_order", "settle_order", "read_order", "spend", "take_open", "adopt_order"),
    *("keep_cancel", "end_cancel", "begin_amend", "end_amend"),
)
REQUESTS = (
    *("place_order", "place_orders", "amend_order", "cancel_order", "get_order"),
    *("get_orders_pending", "get_orders_history", "get_fills"),
)
# Orders go through these; the others are struck less often.
_BUSY = ("admit_order", "settle_order", "take_open", "place_order", "place_orders", "get_order")

PROCESS_TROUBLES = ("kill", "pause", "stall", "suspend", "step_wall_clock")
REDIS_TROUBLES = (
    *("flush", "restart_empty", "restore", "fail_over", "split", "hang", "refuse"),
    *("read_only", "out_of_memory", "clock_ahead", "clock_back"),
)
EXCHANGE_TROUBLES = ("exchange_unreachable", "exchange_silent")
# What makes rows disappear.
LOSSES = frozenset({"flush", "restart_empty", "restore", "fail_over", "split"})


@dataclass(frozen=True)
class Trouble:
    """A blow: at the `nth` time that a `point` is reached, or at `at_us`, and how hard."""

    kind: str
    point: str = ""
    nth: int = 1
    at_us: int = 0
    replica: int = 0
    amount_us: int = 0
    again: bool = True  # a killed replica is started anew


@dataclass(frozen=True)
class Mischief:
    """How likely one message meets a mishap."""

    request_lost: float = 0.0
    request_late: float = 0.0
    reply_lost: float = 0.0
    reply_late: float = 0.0
    reply_garbled: float = 0.0
    reply_in_doubt: float = 0.0
    connect_slow: float = 0.0
    connect_refused: float = 0.0
    script_lost: float = 0.0
    script_late: float = 0.0
    script_reply_lost: float = 0.0
    script_reply_late: float = 0.0


@dataclass(frozen=True)
class Sockets:
    """Which way orders go, and how likely one message over a WebSocket meets a mishap.

    `refuses_numbers` where OKX knows no instrument by its number.
    """

    route: RouteSetting = "rest"
    refuses_numbers: bool = False
    lost: float = 0.0
    closing: float = 0.0
    wrong_id: float = 0.0


@dataclass(frozen=True)
class Act:
    """One call of a caller: what, on which replica, and how long it waits."""

    kind: str  # place, cancel, amend, get
    at_us: int
    order: int
    replica: int
    caller: str
    deadline_us: int
    leaves_us: int = 0  # the caller goes away after this; 0 for never
    differs: bool = False  # another order under the same id
    by_exchange_id: bool = False


@dataclass(frozen=True)
class OrderPlan:
    """An order that callers want."""

    client_id: str
    instrument: str
    kind: str  # limit, post_only, ioc, fok, market
    side: str
    quantity: str
    price: str


@dataclass(frozen=True)
class Plan:
    """A schedule."""

    seed: int
    shuffled: bool
    durable: bool
    ledger: str  # new (and said to be), old (an hour), unknown (met for the first time)
    validity_ms: int
    margin_ms: int
    jitter_ms: int
    scale: int  # limits of OKX are divided by this
    replicas_max: int  # for floors
    portfolio_margin: bool
    orders_per_2_s: int
    caller_shares: str
    latency_us: int
    drifts_ppm: tuple[float, ...]
    redis_drift_ppm: float
    redis_ahead_us: int
    habits: Habits
    mischief: Mischief
    orders: tuple[OrderPlan, ...]
    acts: tuple[Act, ...]
    troubles: tuple[Trouble, ...]
    foreign: tuple[tuple[int, int], ...]  # when, under the id of which order
    heal_us: int
    epilogue: bool
    sockets: Sockets = Sockets()

    @property
    def loses_rows(self) -> bool:
        return any(trouble.kind in LOSSES for trouble in self.troubles)


def all_points() -> list[str]:
    """Every point at which a process can be struck."""
    return [
        *(form.format(name) for name in SCRIPTS for form in SCRIPT_POINTS),
        *(form.format(name) for name in REQUESTS for form in REQUEST_POINTS),
    ]


def general_plan(seed: int) -> Plan:
    """A plan that leaves everything to the seed; see `scenes` for those that do not."""
    draw = random.Random(f"plan {seed}")
    calm = draw.random()
    validity_ms = draw.choice([300, 600, 1_000])
    margin_ms = draw.choice([1_500, 2_500, 4_000])
    # The margin covers both and what OKX's clock may be off by.
    slack_us = (margin_ms - 400) * 1000
    queue_us = int(slack_us * draw.choice([0.02, 0.2, 0.5, 0.9]))
    shows_us = int((slack_us - queue_us) * draw.choice([0.02, 0.5, 1.0]))
    engine = draw.random()
    scale = draw.choice([1, 3, 10, 20, 20, 30])
    blind_us, lists_are_blind = draw.choice(
        [(0, False)] * 4 + [(3_000_000, False), (800_000, True)]
    )
    blind_from_us = draw.randint(0, 12_000_000)
    habits = Habits(
        checks_expiry_on_arrival=engine < 0.7,
        checks_expiry_in_engine=engine > 0.4,
        queue_us=queue_us,
        shows_after_us=shows_us,
        refuses=draw.choice([0.0, 0.05, 0.2]),
        clock_ahead_us=draw.randint(-40_000_000, 40_000_000),
        blind_from_us=blind_from_us,
        blind_until_us=blind_from_us + blind_us,
        lists_are_blind=lists_are_blind,
    )
    rush = draw.random() < 0.2 and scale > 1
    count = draw.randint(4, 10) if rush else draw.randint(1, 5)
    orders = tuple(_order(draw, seed, index) for index in range(count))
    acts = tuple(act for index in range(count) for act in _acts(draw, index))
    if rush:
        # More orders at once on one instrument and replica than it has single orders for.
        orders = tuple(replace(order, instrument=orders[0].instrument) for order in orders)
        acts = tuple(_rushed(draw, act) for act in acts)
    ends_us = max(act.at_us for act in acts)
    # Mishaps last while calls come in, and a while longer.
    heal_us = int(ends_us + draw.random() * draw.choice([0, 2_000_000, 12_000_000]))
    troubles = () if calm < 0.15 else _troubles(draw, ends_us)
    loses = any(each.kind in LOSSES for each in troubles)
    if loses:
        # An order whose row is lost is looked up once before it is sent: then OKX has to tell.
        habits = replace(habits, blind_until_us=0, lists_are_blind=False)
    durable = any(trouble.kind == "split" for trouble in troubles) or draw.random() < 0.3
    return Plan(
        seed=seed,
        shuffled=draw.random() < 0.3,
        durable=durable,
        ledger="old" if loses or draw.random() < 0.5 else draw.choice(["new"] * 5 + ["unknown"]),
        validity_ms=validity_ms,
        margin_ms=margin_ms,
        jitter_ms=draw.choice([150, 200, 300]),
        scale=scale,
        replicas_max=draw.choice([0, 0, 3]),
        portfolio_margin=draw.random() < 0.2,
        orders_per_2_s=draw.choice([3, 6, 1_000]),
        caller_shares=draw.choice(["", "", "desk=30-100", "desk=50-60,web=20-100", "*=0-50"]),
        latency_us=draw.choice([500, 5_000, 20_000]),
        drifts_ppm=tuple(draw.uniform(-50, 50) for _ in range(REPLICAS)),
        redis_drift_ppm=draw.uniform(-50, 50),
        redis_ahead_us=draw.randint(-40_000_000, 40_000_000),
        habits=habits,
        mischief=Mischief() if calm < 0.3 else _mischief(draw),
        orders=orders,
        acts=tuple(sorted(acts, key=lambda act: act.at_us)),
        troubles=troubles,
        foreign=((draw.randint(0, ends_us), 0),) if draw.random() < 0.02 else (),
        heal_us=heal_us,
        epilogue=draw.random() < 0.5,
        sockets=_sockets(random.Random(f"sockets {seed}"), calm=calm < 0.3),
    )


def without(plan: Plan, index: int) -> Plan:
    """The same plan less one of its troubles."""
    left = tuple(each for at, each in enumerate(plan.troubles) if at != index)
    return replace(plan, troubles=left)


def _rushed(draw: random.Random, act: Act) -> Act:
    if act.kind != "place" or draw.random() < 0.2:
        return act
    return replace(act, at_us=draw.randint(0, 12_000), replica=0)


def _order(draw: random.Random, seed: int, index: int) -> OrderPlan:
    return OrderPlan(
        client_id=f"o{seed}x{index}",
        instrument=draw.choice(["BTC-USDT", "BTC-USDT-SWAP"]),
        kind=draw.choice(["limit", "limit", "post_only", "ioc", "fok", "market"]),
        side=draw.choice(["buy", "sell"]),
        quantity=draw.choice(["0.5", "1", "2"]),
        price=draw.choice(["30000", "30000.5"]),
    )


def _acts(draw: random.Random, order: int) -> list[Act]:
    begin_us = draw.choice([0, 0, 1, 1]) * draw.randint(0, 3_000_000)
    caller = draw.choice(["desk", "web"])
    acts = [_act(draw, "place", begin_us, order, caller)]
    for _ in range(draw.choice([0, 0, 1, 1, 2, 4])):
        late_us = draw.choice([0, 3_000, 300_000, 3_000_000, 12_000_000])
        acts.append(
            replace(
                _act(draw, "place", begin_us + int(draw.random() * late_us), order, caller),
                differs=draw.random() < 0.15,
                caller=caller if draw.random() < 0.9 else "other",
            )
        )
    for kind, chance in (("cancel", 0.4), ("get", 0.3), ("amend", 0.25)):
        while draw.random() < chance:
            late_us = draw.choice([5_000, 500_000, 6_000_000])
            act = _act(draw, kind, begin_us + int(draw.random() * late_us), order, caller)
            acts.append(replace(act, by_exchange_id=draw.random() < 0.3))
    return acts


def _act(draw: random.Random, kind: str, at_us: int, order: int, caller: str) -> Act:
    return Act(
        kind=kind,
        at_us=at_us,
        order=order,
        replica=draw.randrange(REPLICAS),
        caller=caller,
        deadline_us=draw.choice([200_000, 1_000_000, 3_000_000, 10_000_000]),
        leaves_us=draw.choice([0, 0, 0, 1]) * draw.randint(1, 300_000),
    )


def _mischief(draw: random.Random) -> Mischief:
    def some() -> float:
        return draw.choice([0.0, 0.0, 0.03, 0.2])

    return Mischief(*(some() for _ in range(len(Mischief.__dataclass_fields__))))


def _sockets(draw: random.Random, *, calm: bool) -> Sockets:
    some = [0.0, 0.1, 0.3]
    if draw.random() < 0.4:
        return Sockets()
    routes: list[RouteSetting] = ["auto", "auto", "auto", "socket"]
    route = draw.choice(routes)
    if calm:
        return Sockets(route)
    refuses = draw.random() < 0.15
    return Sockets(route, refuses, draw.choice(some), draw.choice(some), draw.choice(some))


def _troubles(draw: random.Random, ends_us: int) -> tuple[Trouble, ...]:
    kinds = [
        *(("kill",) * 5 + ("pause",) * 4 + ("stall",) * 6 + ("suspend", "step_wall_clock")),
        *REDIS_TROUBLES,
        *EXCHANGE_TROUBLES,
    ]
    return tuple(_trouble(draw, draw.choice(kinds), ends_us) for _ in range(draw.randint(0, 6)))


def _trouble(draw: random.Random, kind: str, ends_us: int) -> Trouble:
    amount_us = int(draw.random() * draw.choice([60_000, 300_000, 2_000_000, 10_000_000]))
    trouble = Trouble(
        kind,
        at_us=draw.randint(0, ends_us + 3_000_000),
        replica=draw.randrange(REPLICAS),
        # A clock that leaps by less than the ledger tolerates is not seen to leap.
        amount_us=max(25_000 if kind == "clock_ahead" else 1_000, amount_us),
        again=draw.random() < 0.7,
    )
    if kind == "stall" or draw.random() < 0.6:
        return replace(trouble, point=_point(draw, kind), nth=draw.choice([1, 1, 1, 2, 3]))
    return trouble


def _point(draw: random.Random, kind: str) -> str:
    if draw.random() < 0.5:
        names: tuple[str, ...] = SCRIPTS if draw.random() < 0.5 else _BUSY
        name = draw.choice([each for each in names if each in SCRIPTS])
        points: tuple[str, ...] = SCRIPT_POINTS
    else:
        names = REQUESTS if draw.random() < 0.5 else _BUSY
        name = draw.choice([each for each in names if each in REQUESTS])
        points = REQUEST_POINTS
    chosen = [each for each in points if kind != "stall" or each.rpartition(".")[2] in INSIDE]
    return draw.choice(chosen).format(name)
