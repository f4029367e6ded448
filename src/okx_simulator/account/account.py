"""What does an account own, and what has it pending? Pure. All money is `Decimal` by currency.

Source: OKX docs, 'Get balance' and 'Get account configuration'.
"""

from collections import defaultdict, deque
from decimal import Decimal

from okx_simulator.account.accounts_file import AccountSettings
from okx_simulator.account.position import Position, PositionKey
from okx_simulator.algo.history import AlgoHistory
from okx_simulator.answer import Row
from okx_simulator.market.instrument import Instrument
from okx_simulator.number import ZERO
from okx_simulator.order.history import OrderHistory
from okx_simulator.order.order import Fill, Order
from okx_simulator.order.rule import AccountMode

RECORDS_MAX = 20_000
DEFAULT_LEVER = Decimal(3)


class Account:
    """The state of one account: mode, balances, pending orders, positions and records.

    `cash` may not fall below `frozen`, which is what pending spot orders keep back; `held_margin`
    is what pending orders of other kinds keep back.
    """

    def __init__(self, settings: AccountSettings, now_ms: int) -> None:
        self.settings = settings
        self.uid = settings.uid
        self.main_uid = settings.main_uid or settings.uid
        self.level = str(settings.account_level)
        self.position_mode = str(settings.position_mode)
        self.cash: defaultdict[str, Decimal] = defaultdict(Decimal, settings.balances)
        self.funding: defaultdict[str, Decimal] = defaultdict(Decimal, settings.funding)
        self.frozen: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.held_margin: defaultdict[str, Decimal] = defaultdict(Decimal)
        self.changed_ms: defaultdict[str, int] = defaultdict(lambda: now_ms)
        self.positions: dict[PositionKey, Position] = {}
        self.closed_positions: deque[tuple[Position, str]] = deque(maxlen=RECORDS_MAX)
        self.levers: dict[tuple[str, str, str], Decimal] = {}
        self.orders = OrderHistory()
        self.algos = AlgoHistory()
        self.fills: deque[tuple[Order, Fill]] = deque(maxlen=RECORDS_MAX)
        self.bills: deque[Row] = deque(maxlen=RECORDS_MAX)
        # Since the listeners were told: currencies, positions and trades (instrument, id).
        self.touched: set[str] = set()
        self.moved: dict[PositionKey, Position] = {}
        self.transferred = False
        self.traded: list[tuple[str, str]] = []

    @property
    def mode(self) -> AccountMode:
        """The settings that decide what an order must say."""
        return AccountMode(
            level=self.level, position_mode=self.position_mode, stp_mode=self.settings.stp_mode
        )

    @property
    def shares_margin(self) -> bool:
        """Whether all currencies together back the positions (multi-currency and portfolio)."""
        return self.level in ("3", "4")

    def lever(self, instrument: Instrument, mgn_mode: str, pos_side: str) -> Decimal:
        """Return the leverage set for an instrument, 0 where leverage does not apply."""
        if not instrument.lever or mgn_mode == "cash":
            return ZERO
        key = lever_key(instrument, mgn_mode, pos_side)
        return self.levers.get(key, min(DEFAULT_LEVER, instrument.lever))

    def freeze(self, order: Order, ccy: str, wanted: Decimal) -> None:
        """Keep back `wanted` of `ccy` for an order, instead of what it had kept back before."""
        kept = self.frozen if order.asked.td_mode == "cash" else self.held_margin
        if order.instrument.inst_type == "SPOT":
            kept = self.frozen
        if order.frozen:
            kept[order.frozen_ccy] -= order.frozen
            self.touched.add(order.frozen_ccy)
        order.frozen_ccy, order.frozen = ccy, wanted
        if wanted:
            kept[ccy] += wanted
            self.touched.add(ccy)

    def pay(self, ccy: str, change: Decimal, now_ms: int) -> Decimal:
        """Change the cash balance and return the new one."""
        self.cash[ccy] += change
        self.touch(ccy, now_ms)
        return self.cash[ccy]

    def touch(self, ccy: str, now_ms: int) -> None:
        """Note that the balance of a currency changed."""
        self.changed_ms[ccy] = now_ms
        self.touched.add(ccy)

    def position_of(self, order: Order) -> Position | None:
        """Return the position that an order opens or closes, None where there is none."""
        return self.positions.get(position_key(order))

    def closing_orders(self, key: PositionKey, *, is_buy: bool) -> list[Order]:
        """Return the pending orders of one side that can only close the position of `key`."""
        return [
            order
            for order in self.orders.pending.values()
            if order.asked.is_buy == is_buy
            and order.instrument.inst_id == key.inst_id
            and position_key(order) == key
            and (order.asked.reduce_only or order.asked.pos_side in ("long", "short"))
        ]

    def closing_size(self, order: Order) -> Decimal:
        """Return how much of the order's position pending orders of its side close already."""
        key, is_buy = position_key(order), order.asked.is_buy
        return sum((other.left for other in self.closing_orders(key, is_buy=is_buy)), ZERO)


def position_key(order: Order) -> PositionKey:
    """Return which position an order belongs to."""
    asked, instrument = order.asked, order.instrument
    ccy = asked.margin_ccy or instrument.money_ccy
    return PositionKey(
        instrument.inst_id, instrument.inst_type, asked.td_mode, asked.pos_side or "net", ccy
    )


def lever_key(instrument: Instrument, mgn_mode: str, pos_side: str) -> tuple[str, str, str]:
    """Return which leverage setting applies: cross futures share one per family."""
    shared = mgn_mode == "cross" and instrument.inst_type == "FUTURES"
    name = instrument.inst_family if shared else instrument.inst_id
    return name, mgn_mode, pos_side if mgn_mode == "isolated" else "net"
