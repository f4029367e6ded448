"""An exchange whose clock stands still until a test moves it, and short words to trade on it."""

from collections.abc import Sequence
from decimal import Decimal
from typing import Any

from okx_simulator.account.accounts_file import AccountSettings, ApiKey
from okx_simulator.answer import Ack
from okx_simulator.clock import Clock
from okx_simulator.event import Event, OrderUpdated
from okx_simulator.exchange import Exchange
from okx_simulator.market.instrument import Instrument
from okx_simulator.market.listing import Listing
from okx_simulator.order.row import order_row
from okx_simulator.rest.endpoint import Call
from okx_simulator.rest.table import ENDPOINTS

# A Sunday noon, so that nothing expires and no funding is paid unless a test waits for it.
START_MS = 1_795_348_800_000 + 4 * 3_600_000 + 1
SPOT, SWAP, INVERSE = "BTC-USDT", "BTC-USDT-SWAP", "BTC-USD-SWAP"
MINE, OTHER = "1", "2"
RICH = {"USDT": Decimal(1_000_000), "BTC": Decimal(10), "ETH": Decimal(100)}


def settings(uid: str = MINE, **given: Any) -> AccountSettings:
    """Return an account; its key is made from its uid."""
    key = ApiKey(
        key=f"00000000-0000-4000-8000-{int(uid):012d}",
        secret=f"secret of {uid}",
        passphrase=f"passphrase of {uid}",
    )
    return AccountSettings.model_validate({"balances": RICH, "keys": (key,), **given, "uid": uid})


def listed(listing: Listing, inst_id: str, inst_type: str = "") -> Instrument:
    """Return an instrument that must be listed."""
    found = listing.find(inst_id, inst_type)
    assert found is not None
    return found


class Floor:
    """An exchange with the accounts MINE and OTHER, unless a test gives others."""

    def __init__(self, *accounts: AccountSettings, seed: int = 7) -> None:
        self.now_ns = START_MS * 1_000_000
        self.clock = Clock(lambda: self.now_ns)
        self.events: list[Event] = []
        self.exchange = Exchange(seed, self.clock, accounts or (settings(), settings(OTHER)))
        self.exchange.listen(self.events.append)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        self.now_ns += int(seconds * 1e9)
        self.exchange.advance()

    def instrument(self, inst_id: str, inst_type: str = "") -> Instrument:
        """Return an instrument that must exist."""
        return listed(self.exchange.market.listing, inst_id, inst_type)

    def move(self, inst_id: str, price: float | str) -> None:
        """Make the market stand at a price."""
        self.exchange.move_price(self.instrument(inst_id), Decimal(str(price)))

    def mark(self, inst_id: str) -> Decimal:
        """Return the mark price."""
        return self.exchange.mark(self.instrument(inst_id))

    def order(self, side: str = "buy", ord_type: str = "limit", **given: Any) -> dict[str, Any]:
        """Return the parameters of an order of BTC-USDT, or of what is given."""
        written: dict[str, Any] = {
            "instId": SPOT,
            "tdMode": "cash",
            "side": side,
            "ordType": ord_type,
            "sz": "0.01",
        }
        return written | given

    def ack(self, *orders: dict[str, Any], uid: str = MINE, **how: Any) -> Ack:
        """Place orders."""
        return self.exchange.place(uid, orders, **how)

    def place(self, side: str, ord_type: str, uid: str = MINE, **given: Any) -> dict[str, Any]:
        """Place an order that must be taken, and return what has become of it."""
        (row,) = self.ack(self.order(side, ord_type, **given), uid=uid).rows
        assert row["sCode"] == "0", row
        return self.look(row["ordId"], uid)

    def refused(self, side: str, ord_type: str, uid: str = MINE, **given: Any) -> str:
        """Place an order that must be refused, and return the code."""
        (row,) = self.ack(self.order(side, ord_type, **given), uid=uid).rows
        assert row["sCode"] != "0"
        assert row["ordId"] == ""
        return str(row["sCode"])

    def look(self, ord_id: str, uid: str = MINE) -> dict[str, Any]:
        """Return an order as REST shows it."""
        order = self.exchange.account(uid).orders.find(ord_id, "", self.clock.now_ms())
        assert order is not None
        return order_row(order)

    def pushes(self, ord_id: str) -> list[dict[str, Any]]:
        """Return what was pushed about an order."""
        return [
            event.row
            for event in self.events
            if isinstance(event, OrderUpdated) and event.row["ordId"] == ord_id
        ]

    def get(self, path: str, uid: str = MINE, **params: str) -> list[Any]:
        """Return the rows that a GET endpoint answers with."""
        return self._call("GET", path, uid, params)

    def post(self, path: str, uid: str = MINE, **params: Any) -> list[Any]:
        """Return the rows that a POST endpoint answers with."""
        return self._call("POST", path, uid, params)

    def cash(self, ccy: str, uid: str = MINE) -> Decimal:
        """Return the cash balance."""
        return self.exchange.account(uid).cash[ccy]

    def detail(self, ccy: str, uid: str = MINE) -> dict[str, str]:
        """Return what 'Get balance' says about a currency."""
        (detail,) = self.exchange.balance_row(uid, (ccy,))["details"]
        found: dict[str, str] = detail
        return found

    def _call(self, method: str, path: str, uid: str, params: dict[str, Any]) -> list[Any]:
        self.exchange.advance()
        call = Call(params=params, elements=(params,), in_us=self.clock.now_us(), uid=uid)
        answer = ENDPOINTS[method, f"/api/v5{path}"].answer(self.exchange, call)
        rows: Sequence[Any] = answer.rows if isinstance(answer, Ack) else answer
        return list(rows)
