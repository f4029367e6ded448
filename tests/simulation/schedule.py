"""How is one schedule played, from its seed to the verdict on it?"""

import asyncio
import hashlib
import random
from collections import Counter
from contextvars import ContextVar
from dataclasses import dataclass, replace
from decimal import Decimal

from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.order import (
    Limit,
    Market,
    NewOrder,
    NewValues,
    OrderName,
    Side,
    TimeInForce,
    TradeMode,
)
from tests.simulation.clocks import simulated, watched_logs
from tests.simulation.exchange import Exchange
from tests.simulation.oracle import Call, Oracle, Told
from tests.simulation.plan import REPLICAS, Act, OrderPlan, Plan, Trouble
from tests.simulation.redis_server import SimulatedRedis
from tests.simulation.replica import (
    ACCOUNT,
    OWNER,
    Replica,
    scaled_limits,
    settings_of,
    start_replica,
)
from tests.simulation.scenes import draw_plan
from tests.simulation.socket_wire import simulated_sockets
from tests.simulation.virtual_loop import Livelock, Process, VirtualLoop
from tests.simulation.wire import Network, Written
from tests.simulation.world import World

_CALL: ContextVar[int] = ContextVar("call", default=0)
_SECOND_US = 1_000_000
_HOUR_US = 3_600 * _SECOND_US
_WARM_UP_US = 200_000
_LOOK_US = 250_000
# After the margin every doubt must end within this, once all troubles are over.
_END_OF_DOUBT_US = 10 * _SECOND_US
_EPILOGUE_US = 5 * _SECOND_US
_AMENDMENTS = (
    NewValues(price=Decimal(29_999)),
    NewValues(price=Decimal("30001.5")),
    NewValues(quantity=Decimal("2.5")),
    NewValues(quantity=Decimal("1.5"), price=Decimal(30_002)),
)
_IN_FORCE = {
    "limit": TimeInForce.GOOD_TILL_CANCELLED,
    "post_only": TimeInForce.POST_ONLY,
    "ioc": TimeInForce.IMMEDIATE_OR_CANCEL,
    "fok": TimeInForce.FILL_OR_KILL,
}


@dataclass(frozen=True)
class Verdict:
    """What came of a schedule; `digest` is of everything that happened in it."""

    seed: int
    violations: tuple[str, ...]
    hits: Counter[str]
    digest: str
    trace: tuple[str, ...]


class Schedule:
    """One schedule."""

    def __init__(self, plan: Plan, *, tells: bool = True) -> None:
        loop = VirtualLoop(random.Random(f"order {plan.seed}"), shuffled=plan.shuffled)
        self.plan = plan
        self.world = World(plan, loop, random.Random(f"fate {plan.seed}"), tells=tells)
        self._loop = loop
        self._replicas: list[Replica] = []
        self._waiting: dict[int, Process] = {}
        self.records_scripts = False

    @property
    def steps(self) -> int:
        """How many callbacks have run."""
        return self._loop.steps

    def play(self) -> Verdict:
        world, loop = self.world, self._loop
        with (
            watched_logs(world),
            simulated(world),
            simulated_sockets(world, lambda: self.network),
            scaled_limits(self.plan.scale) as limits,
        ):
            limits["sub_account"] = self.plan.orders_per_2_s
            self._set_up(limits)
            try:
                self._run()
            except Livelock as error:
                world.violate(str(error))
            self.oracle.judge()
            loop.close()
            for text in loop.errors:
                world.violate(text)
        digest = hashlib.sha256("\n".join([*world.trace, str(loop.digest)]).encode()).hexdigest()
        return Verdict(
            self.plan.seed, tuple(world.violations), world.hits, digest, tuple(world.trace)
        )

    def _set_up(self, limits: dict[str, int]) -> None:
        plan, world, loop = self.plan, self.world, self._loop
        habits = replace(plan.habits, limits=limits)
        self.exchange = Exchange(loop, random.Random(f"exchange {plan.seed}"), habits)
        self.redis = SimulatedRedis(world)
        self.redis.records = self.records_scripts
        self.network = Network(world, self.exchange)
        self.oracle = Oracle(world, self.redis, self.network, self.exchange)
        self.network.on_written = self._on_written
        self._settings = settings_of(plan)
        if plan.ledger == "old":
            for owner in (OWNER, f"address:{self._settings.egress_address}"):
                self.redis.grow_old(owner, _HOUR_US)
        world.strike = self._strike
        world.restart = self._restart
        for index in range(REPLICAS):
            process = Process(
                f"r{index}",
                index + 1,
                drift_ppm=plan.drifts_ppm[index],
                boot_us=world.draw.randint(_SECOND_US, 10**12),
                skew_us=world.draw.randint(-40, 40) * _SECOND_US,
            )
            world.processes.append(process)
            self._replicas.append(self._start(process))

    def _run(self) -> None:
        plan, loop = self.plan, self._loop
        begin_us = _WARM_UP_US
        if plan.ledger == "unknown":
            # A ledger that may have lost rows admits nothing at first, and asks for no time.
            begin_us += (plan.validity_ms + plan.margin_ms) * 1000 + 3 * _SECOND_US
        for act in plan.acts:
            loop.at_us(begin_us + act.at_us, self._begin, act)
        for trouble in plan.troubles:
            if not trouble.point:
                loop.at_us(begin_us + trouble.at_us, self._befall, trouble)
        for at_us, index in plan.foreign:
            loop.at_us(begin_us + at_us, self._place_by_hand, index)
        heal_us = begin_us + plan.heal_us
        loop.at_us(heal_us, self._heal)
        margin_us = (plan.validity_ms + plan.margin_ms) * 1000
        longest_us = max(act.deadline_us for act in plan.acts)
        give_up_us = heal_us + margin_us + max(longest_us, margin_us) + _END_OF_DOUBT_US
        quiet_us = begin_us + max(
            [act.at_us for act in plan.acts]
            + [trouble.at_us for trouble in plan.troubles if not trouble.point]
            + [at_us for at_us, _ in plan.foreign]
        )
        done = self._at_rest_by(quiet_us + 1, give_up_us)
        if not done:
            for client_id in self.oracle.open_rows():
                self.world.violate(f"{client_id} is open long after all troubles are over")
            for number in self._unanswered():
                self.world.violate(f"call {number} was never answered")
        if plan.epilogue:
            self._ask_again()

    def _at_rest_by(self, from_us: int, give_up_us: int) -> bool:
        """Run until everything has come to its end; whether it has in time."""
        rest: list[bool] = []

        def look() -> None:
            if self._is_at_rest():
                rest.append(True)
            elif self._loop.now_us >= give_up_us:
                rest.append(False)
            else:
                self._loop.in_us(_LOOK_US, look)

        self._loop.at_us(max(from_us, self._loop.now_us), look)
        self._loop.run(lambda: bool(rest))
        return rest == [True]

    def _is_at_rest(self) -> bool:
        """Whether nothing is under way that could still change anything."""
        return not (
            self._unanswered()
            or self.network.under_way
            or self.redis.under_way
            or any(each.process.alive and each.process.pauses for each in self._replicas)
            or not any(each.process.alive for each in self._replicas)
            or self.oracle.open_rows()
        )

    def _unanswered(self) -> list[int]:
        """Calls that somebody could still answer."""
        return [number for number, process in self._waiting.items() if process.alive]

    def _ask_again(self) -> None:
        """Place everything that is on record once more: nothing new may come of it."""
        rows = self.redis.rows()
        written = len(self.network.written)
        for index, order in enumerate(self.plan.orders):
            if order.client_id in rows:
                first = next(act for act in self.plan.acts if act.order == index)
                again = replace(
                    first, kind="place", leaves_us=0, deadline_us=_EPILOGUE_US, differs=False
                )
                self._begin(again)
        self._at_rest_by(self._loop.now_us, self._loop.now_us + 2 * _EPILOGUE_US)
        # An order that waited for its slot until now is on record since, and written once.
        since = [name for each in self.network.written[written:] for name in each.ids]
        if any(name in rows for name in since):
            self.world.violate("what is on record was written again")

    # Replicas and what befalls them.

    def _start(self, process: Process) -> Replica:
        return start_replica(self.world, self._settings, self.redis, self.network, process)

    def _restart(self, dead: Process) -> None:
        if all(each.process is not dead for each in self._replicas):
            return  # where all were dead, one was started without delay
        world = self.world
        process = Process(
            f"{dead.name}'",
            dead.index,
            drift_ppm=self.plan.drifts_ppm[dead.index - 1],
            boot_us=world.draw.randint(_SECOND_US, 10**12),
        )
        world.processes.append(process)
        world.note("{} starts", process.name)
        world.hits["started again"] += 1
        index = next(at for at, each in enumerate(self._replicas) if each.process is dead)
        self._replicas[index] = self._start(process)

    def _befall(self, trouble: Trouble) -> None:
        process = self._replicas[trouble.replica].process
        if not self.world.healed and process.alive:
            self.world.befall(trouble, process)

    def _strike(self, trouble: Trouble) -> None:
        if trouble.kind.startswith("exchange"):
            self.network.strike(trouble)
        else:
            self.redis.strike(trouble)

    def _heal(self) -> None:
        self.world.note("all troubles are over")
        self.world.healed = True
        self.exchange.healed = True
        self.redis.heal()
        self.network.heal()
        if not any(each.process.alive for each in self._replicas):
            self._restart(self._replicas[0].process)

    def _place_by_hand(self, index: int) -> None:
        order = self.plan.orders[index]
        row = {
            "instId": order.instrument,
            "clOrdId": order.client_id,
            "tdMode": "cash",
            "side": order.side,
            "ordType": "limit",
            "px": "1",
            "sz": "7",
        }
        self.oracle.foreign(self.exchange.enter_foreign(row))

    def _on_written(self, written: Written) -> None:
        self.oracle.on_written(written, _CALL.get())

    # Callers.

    def _begin(self, act: Act) -> None:
        replica = self._pick(act.replica)
        if replica is None:
            return
        plan = self.plan.orders[act.order]
        order = _order(plan, differs=act.differs)
        number = len(self.oracle.calls) + 1
        call = Call(number, act, plan.client_id, order, self._loop.now_us, replica.process)
        self.oracle.calls.append(call)
        self._waiting[number] = replica.process
        self.world.note("{} call {} {} {}", replica.process.name, number, act.kind, plan.client_id)
        task = self._loop.spawn(replica.process, self._call(replica, call))
        task.add_done_callback(lambda _: self._waiting.pop(number, None))
        if act.leaves_us:
            self._loop.in_us(act.leaves_us, task.cancel)

    def _pick(self, wanted: int) -> Replica | None:
        """The replica that a caller wants, or the next that lives."""
        for index in range(REPLICAS):
            replica = self._replicas[(wanted + index) % REPLICAS]
            if replica.process.alive:
                return replica
        return None

    async def _call(self, replica: Replica, call: Call) -> None:
        _CALL.set(call.number)
        answer: object = None
        try:
            answer = await self._ask(replica, call)
        except asyncio.CancelledError:
            self.world.hits["caller left"] += 1
        except Exception as error:  # noqa: BLE001  # the oracle judges it
            answer = error
        self.oracle.on_told(Told(call, self._loop.now_us, answer))

    async def _ask(self, replica: Replica, call: Call) -> object:
        act, use_cases = call.act, replica.use_cases
        deadline = Deadline.after(act.deadline_us / 1e6)
        if act.kind == "place":
            return await use_cases.place_order(call.order, caller=act.caller, deadline=deadline)
        name, instrument = self._named(act, call.client_id)
        if act.kind == "amend":
            values = _AMENDMENTS[act.at_us % len(_AMENDMENTS)]
            return await use_cases.amend_order(
                ACCOUNT, name, instrument, values, caller=act.caller, deadline=deadline
            )
        if act.kind == "cancel":
            return await use_cases.cancel_order(
                ACCOUNT, name, instrument, caller=act.caller, deadline=deadline
            )
        return await use_cases.account.get_order(
            ACCOUNT, name, instrument, caller=act.caller, deadline=deadline
        )

    def _named(self, act: Act, client_id: str) -> tuple[OrderName, str]:
        """How a caller names an order: by OKX's id where it can know it."""
        found = self.exchange.named(client_id)
        if act.by_exchange_id and found:
            return (
                OrderName(exchange_order_id=found[0].order_id),
                self.plan.orders[act.order].instrument,
            )
        instrument = self.plan.orders[act.order].instrument if act.replica else ""
        return OrderName(client_order_id=client_id), instrument


def _order(plan: OrderPlan, *, differs: bool) -> NewOrder:
    return NewOrder(
        account=ACCOUNT,
        client_order_id=plan.client_id,
        instrument=plan.instrument,
        side=Side(plan.side),
        trade_mode=TradeMode.CROSS if plan.instrument.endswith("SWAP") else TradeMode.CASH,
        quantity=Decimal("3.5") if differs else Decimal(plan.quantity),
        kind=Market()
        if plan.kind == "market"
        else Limit(Decimal(plan.price), _IN_FORCE[plan.kind]),
    )


def play(seed: int, *, tells: bool = False) -> Verdict:
    """Play the schedule of a seed; with `tells` its verdict has a trace of everything."""
    return Schedule(draw_plan(seed), tells=tells).play()
