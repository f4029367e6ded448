"""Where does every instrument stand now? Pure apart from the price moves it is told.

Time runs in steps of 100 ms; within a step prices stand still.
"""

from decimal import Decimal

from okx_simulator.market.instrument import Instrument
from okx_simulator.market.listing import Listing
from okx_simulator.market.price import PriceProcess
from okx_simulator.market.quote import Quote, index_of, middle_of, premium_of, quote_of
from okx_simulator.number import ONE, rounded

STEP_MS = 100


class Market:
    """The listed instruments and their quotes at the current step."""

    def __init__(self, seed: int, now_ms: int) -> None:
        self.seed = seed
        self.start_ms = now_ms
        self.step = 0
        self.listing = Listing(now_ms)
        self.prices = PriceProcess(seed)
        self._quotes: dict[tuple[str, str], Quote] = {}

    @property
    def now_ms(self) -> int:
        """The moment of the current step, in ms since the epoch."""
        return self.start_ms + self.step * STEP_MS

    def advance(self, now_ms: int) -> bool:
        """Go to the step of `now_ms`; return whether that is another step."""
        step = (now_ms - self.start_ms) // STEP_MS
        if step == self.step:
            return False
        self.step = step
        self._quotes.clear()
        return True

    def quote(self, instrument: Instrument) -> Quote:
        """Return where the instrument stands at this step."""
        key = (instrument.inst_type, instrument.inst_id)
        if key not in self._quotes:
            self._quotes[key] = quote_of(instrument, self._usd_now, self.now_ms)
        return self._quotes[key]

    def mark(self, instrument: Instrument) -> Decimal:
        """Return the mark price at this step."""
        return self.quote(instrument).mark

    def quote_at(self, instrument: Instrument, at_ms: int) -> Quote:
        """Return where the instrument stood or will stand at `at_ms` since the epoch."""
        since_start_ms = at_ms - self.start_ms
        return quote_of(instrument, lambda ccy: self.prices.usd(ccy, since_start_ms), at_ms)

    def middle_at(self, instrument: Instrument, at_ms: int) -> Decimal:
        """Return the middle of the book at `at_ms` since the epoch, on the grid of prices."""
        since_start_ms = at_ms - self.start_ms
        index = index_of(instrument, lambda ccy: self.prices.usd(ccy, since_start_ms))
        return rounded(middle_of(instrument, index, at_ms), instrument.tick_sz)

    def index_at(self, instrument: Instrument, at_ms: int) -> Decimal:
        """Return the index at `at_ms` since the epoch, on the grid of prices."""
        since_start_ms = at_ms - self.start_ms
        index = index_of(instrument, lambda ccy: self.prices.usd(ccy, since_start_ms))
        return rounded(index, instrument.tick_sz)

    def usd(self, ccy: str) -> Decimal:
        """Return the price of a currency in USD at this step."""
        if ccy == "USD":
            return ONE
        return Decimal(repr(self._usd_now(ccy))).quantize(Decimal("0.00000001"))

    def move(self, instrument: Instrument, price: Decimal) -> None:
        """Make the middle of a pair or future be `price` from now on.

        Raises:
            ValueError: An option follows its underlying and cannot be moved itself.
        """
        if instrument.inst_type == "OPTION":
            raise ValueError("move the underlying of an option instead")
        quote_usd = 1.0 if instrument.quote_ccy == "USD" else self._usd_now(instrument.quote_ccy)
        base_usd = float(price) * quote_usd / premium_of(instrument, self.now_ms)
        self.prices.move(instrument.base_ccy, self.step * STEP_MS, base_usd)
        self._quotes.clear()

    def _usd_now(self, ccy: str) -> float:
        return self.prices.usd(ccy, self.step * STEP_MS)
