"""Which schedules are not left to chance?  The plan of a seed: most are general, some are a scene.

A scene arranges what has to meet for a rare bug to show: the same id on both sides of a split, a
loss while an order is on its way and the next call behind it, slots far ahead at a loss.
"""

import random
from collections.abc import Callable
from dataclasses import replace

from tests.simulation.plan import (
    INSIDE,
    REPLICAS,
    Act,
    Mischief,
    OrderPlan,
    Plan,
    Sockets,
    Trouble,
    all_points,
    general_plan,
)

_MS = 1_000
_SECOND = 1_000_000
# Where a loss hits an order on its way.
_ON_THE_WAY = (
    *("admit_order.ran", "admit_order.answered", "place_order.begun", "place_order.guarded"),
    *("place_order.written", "place_order.arrives", "place_order.done", "place_order.answered"),
)


def draw_plan(seed: int) -> Plan:
    """The plan of a seed."""
    plan = general_plan(seed)
    draw = random.Random(f"scene {seed}")
    chance = draw.random()
    for share, scene in _SCENES:
        if chance < share:
            return scene(plan, draw)
        chance -= share
    return plan


def _loss_on_the_way(plan: Plan, draw: random.Random) -> Plan:
    """The ledger is lost while an order is on its way; others ask for the same id at once."""
    orders = plan.orders[:1]
    lost = Trouble(
        draw.choice(["flush", "restart_empty", "fail_over", "restore"]),
        point=draw.choice(_ON_THE_WAY),
        amount_us=draw.choice([50, 300, 1_000]) * _MS,
    )
    calls = [0, *(draw.randint(1, 6_000) * _MS for _ in range(draw.randint(3, 6)))]
    return _arranged(plan, orders, [_place(draw, 0, at_us) for at_us in calls], (lost,))


def _loss_under_a_slow_order(plan: Plan, draw: random.Random) -> Plan:
    """Ledger and replica are lost while an order takes long to show; its caller asks again."""
    lost = Trouble("flush", point="place_order.arrives")
    dies = Trouble("kill", point="place_order.arrives", again=draw.random() < 0.5)
    again_us = [draw.randint(50, 2_500) * _MS for _ in range(2)]
    acts = [replace(_place(draw, 0, at_us), deadline_us=10 * _SECOND) for at_us in (0, *again_us)]
    slow = _arranged(replace(plan, margin_ms=4_000), plan.orders[:1], acts, (lost, dies))
    habits = replace(slow.habits, refuses=0.0, queue_us=50 * _MS, shows_after_us=3_500 * _MS)
    return replace(slow, habits=habits, scale=1)


def _split_ledger(plan: Plan, draw: random.Random) -> Plan:
    """Two servers each take themselves for the only one, and both are asked for the same ids."""
    orders = plan.orders[:3]
    split = Trouble("split", at_us=0, amount_us=draw.randint(3_000, 12_000) * _MS)
    acts = []
    for index in range(len(orders)):
        at_us = draw.randint(0, 9_000) * _MS
        acts += [
            replace(_place(draw, index, at_us + draw.randint(0, 80) * _MS), replica=replica)
            for replica in range(REPLICAS)
        ]
    return replace(_arranged(plan, orders, acts, (split,)), durable=True)


def _loss_while_waiting(plan: Plan, draw: random.Random) -> Plan:
    """Orders wait for slots far ahead when the ledger is lost; then they are asked for again."""
    orders = _alike(plan, draw.randint(6, 10))
    calm_us = (plan.validity_ms + plan.margin_ms) * _MS
    acts = [replace(_place(draw, index, 0), replica=0) for index in range(len(orders))]
    acts += [
        _place(draw, index, calm_us + draw.randint(0, 4_000) * _MS)
        for index in range(len(orders))
        if draw.random() < 0.7
    ]
    acts = [replace(act, deadline_us=15 * _SECOND) for act in acts]
    lost = Trouble(draw.choice(["flush", "restart_empty"]), at_us=draw.randint(50, 900) * _MS)
    plan = _arranged(plan, orders, acts, (lost,))
    return replace(plan, scale=30, portfolio_margin=True)


def _crossing_shares(plan: Plan, draw: random.Random) -> Plan:
    """Callers with shares and caps meet in two windows at a time, and wait in different ones."""
    orders = _alike(plan, draw.randint(8, 14))
    acts = []
    for index in range(len(orders)):
        act = _place(draw, index, draw.randint(0, 2_500) * _MS)
        acts.append(replace(act, caller=draw.choice(["desk", "web"]), leaves_us=0))
    late = Mischief(script_reply_late=0.3, connect_slow=0.3)
    return replace(
        _arranged(plan, orders, acts, ()),
        mischief=late if draw.random() < 0.5 else Mischief(),
        scale=draw.choice([10, 15, 20]),
        portfolio_margin=draw.random() < 0.5,
        orders_per_2_s=draw.choice([3, 4, 6]),
        caller_shares=draw.choice(["desk=30-100,web=0-40", "desk=50-60,web=20-50", "*=0-50"]),
    )


def _an_order_by_hand(plan: Plan, draw: random.Random) -> Plan:
    """Somebody places an order past the gateway under an id that it is about to use."""
    by_hand_us = draw.randint(0, 300) * _MS
    acts = [_place(draw, 0, draw.randint(0, 600) * _MS) for _ in range(draw.randint(1, 3))]
    arranged = _arranged(plan, plan.orders[:1], acts, plan.troubles[:1])
    return replace(arranged, foreign=((by_hand_us, 0),), mischief=plan.mischief)


def _late_for_its_slot(plan: Plan, draw: random.Random) -> Plan:
    """Processes are held up between their slots and the wire, and others use the next slots."""
    orders = _alike(plan, draw.randint(6, 10))
    acts = [
        replace(
            _place(draw, index, draw.randint(0, 2_500) * _MS),
            deadline_us=10 * _SECOND,
        )
        for index in range(len(orders))
    ]
    stalls = tuple(
        Trouble("stall", "place_order.begun", nth, amount_us=draw.randint(100, 1_900) * _MS)
        for nth in range(1, draw.randint(2, 5))
    )
    late = _arranged(plan, orders, acts, stalls)
    return replace(late, scale=draw.choice([20, 30]), portfolio_margin=True)


def _late_on_the_wire(plan: Plan, draw: random.Random) -> Plan:
    """Requests arrive so late that OKX has to drop them, and that they are taken for dropped."""
    orders = _alike(plan, draw.randint(4, 6))
    # By then OKX's time is known, although requests for it are late too.
    acts = [_place(draw, index, draw.randint(2_000, 7_000) * _MS) for index in range(len(orders))]
    late = _arranged(plan, orders, acts, ())
    return replace(late, mischief=Mischief(request_late=0.4), validity_ms=300, scale=1)


def _blind_at_the_proof(plan: Plan, draw: random.Random) -> Plan:
    """A replica dies with an order on its way, and OKX finds nothing when others can ask again."""
    order = _place(draw, 0, draw.randint(0, 100) * _MS)
    dies = Trouble("kill", point="place_order.arrives", again=draw.random() < 0.5)
    away_us = order.at_us + 300 * _MS
    back_us = away_us + (plan.validity_ms + plan.margin_ms + draw.randint(0, 1_000)) * _MS
    away = Trouble("exchange_unreachable", at_us=away_us, amount_us=back_us - away_us)
    arranged = _arranged(plan, plan.orders[:1], [order], (dies, away))
    return replace(
        arranged,
        habits=replace(
            arranged.habits,
            refuses=0.0,
            blind_from_us=back_us,
            blind_until_us=back_us + 800 * _MS,
            lists_are_blind=True,
        ),
        heal_us=back_us,
    )


def _struck_at_a_point(plan: Plan, draw: random.Random) -> Plan:
    """A process is struck at one point of all, on a way that leads there."""
    point = draw.choice(all_points())
    kinds = ("kill", "pause", "stall") if point.endswith(INSIDE) else ("kill", "pause")
    strike = Trouble(
        draw.choice(kinds),
        point=point,
        nth=draw.choice([1, 1, 2]),
        amount_us=draw.choice([20, 500, 3_000]) * _MS,
    )
    return _leading_to(point.partition(".")[0], plan, draw, strike)


def _leading_to(name: str, plan: Plan, draw: random.Random, strike: Trouble) -> Plan:
    acts = [_place(draw, index, draw.randint(0, 500) * _MS) for index in range(len(plan.orders))]
    first = [trouble for trouble in (_BEFORE.get(name),) if trouble is not None]
    habits, orders = plan.habits, plan.orders
    if "amend" in name:
        orders = tuple(replace(order, kind="limit") for order in orders)
        habits = replace(habits, refuses=0.0, queue_us=habits.queue_us // 4)
        acts += [
            replace(act, kind="amend", at_us=act.at_us + draw.randint(10, 3_000) * _MS)
            for act in acts * 2
        ]
    elif "cancel" in name:
        # It overtakes its order as a rule, and is kept.
        habits = replace(habits, refuses=0.0, queue_us=max(habits.queue_us, 600_000))
        acts += [
            replace(
                act,
                kind="cancel",
                at_us=act.at_us + draw.randint(2, 40) * _MS,
                replica=draw.randrange(REPLICAS),
            )
            for act in acts * 2
        ]
    elif name == "place_orders":
        orders = _alike(plan, 8)
        acts = [
            replace(_place(draw, index, draw.randint(0, 12) * _MS), replica=0) for index in range(8)
        ]
    else:
        acts += [replace(act, replica=draw.randrange(REPLICAS)) for act in acts]
    arranged = _arranged(plan, orders, acts, (*first, strike))
    return replace(
        arranged,
        habits=replace(habits, blind_until_us=0, lists_are_blind=False),
        heal_us=arranged.heal_us + 5 * _SECOND,
        portfolio_margin=False,
        scale=draw.choice([10, 20]),
        orders_per_2_s=1_000,
        caller_shares="",
    )


# What has to happen first for a way to be taken: rows that are lost under an order, or an order
# that only the proof of its absence brings to an end.
_BEFORE = {
    "adopt_order": Trouble("flush", point="place_order.arrives"),
    **dict.fromkeys(
        ("get_orders_pending", "get_orders_history", "get_fills"),
        Trouble("kill", point="place_order.guarded", amount_us=_SECOND),
    ),
}


_SCENES: tuple[tuple[float, Callable[[Plan, random.Random], Plan]], ...] = (
    (0.10, _loss_on_the_way),
    (0.02, _loss_under_a_slow_order),
    (0.05, _split_ledger),
    (0.04, _loss_while_waiting),
    (0.05, _crossing_shares),
    (0.03, _an_order_by_hand),
    (0.15, _struck_at_a_point),
    (0.03, _late_for_its_slot),
    (0.02, _late_on_the_wire),
    (0.02, _blind_at_the_proof),
)


def _arranged(
    plan: Plan, orders: tuple[OrderPlan, ...], acts: list[Act], troubles: tuple[Trouble, ...]
) -> Plan:
    last_us = max(act.at_us for act in acts)
    return replace(
        plan,
        orders=orders,
        acts=tuple(sorted(acts, key=lambda act: act.at_us)),
        troubles=troubles,
        foreign=(),
        ledger="old",
        mischief=Mischief(),
        sockets=Sockets(plan.sockets.route),
        habits=replace(plan.habits, blind_until_us=0, lists_are_blind=False),
        heal_us=last_us + _SECOND,
    )


def _alike(plan: Plan, count: int) -> tuple[OrderPlan, ...]:
    """Orders on the one instrument that all windows count."""
    return tuple(
        replace(
            plan.orders[0],
            client_id=f"o{plan.seed}x{index}",
            instrument="BTC-USDT-SWAP",
        )
        for index in range(count)
    )


def _place(draw: random.Random, order: int, at_us: int) -> Act:
    return Act(
        kind="place",
        at_us=at_us,
        order=order,
        replica=draw.randrange(REPLICAS),
        caller="desk",
        deadline_us=draw.choice([1, 3, 10]) * _SECOND,
    )
