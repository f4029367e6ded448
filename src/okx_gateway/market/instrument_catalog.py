"""Which instruments are there, and what may be ordered of them?

Keeps all instruments in memory, so that a wrong order is refused without asking OKX.
"""

import asyncio
import time
from collections.abc import Awaitable, Callable, Iterable, Mapping

import structlog

from okx_gateway.domain.errors import ExchangeUnavailableError, GatewayError
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import TradeMode

_LOG = structlog.get_logger()
_RETRY_S = 5.0
# An id nobody knows may be a new listing, and a number OKX does not know an old one; ask again,
# but not more often than this.
_MISS_REFRESH_S = 30.0

Load = Callable[[InstrumentType, str], Awaitable[list[Instrument]]]


class InstrumentCatalog:
    """All instruments by name; `load` reads those of a type (and, of OPTION, of a family)."""

    def __init__(self, load: Load, *, option_families: Iterable[str], refresh_s: float) -> None:
        self._load = load
        self._sources = [
            *((kind, "") for kind in InstrumentType if kind is not InstrumentType.OPTION),
            *((InstrumentType.OPTION, family) for family in option_families),
        ]
        self._refresh_s = refresh_s
        self._loaded: dict[tuple[InstrumentType, str], dict[str, Instrument]] = {}
        self._by_name: dict[str, dict[InstrumentType, Instrument]] = {}
        self._missed = asyncio.Event()

    @property
    def loaded(self) -> bool:
        """Whether at least the instruments of one type are known."""
        return bool(self._by_name)

    def find(self, name: str) -> Mapping[InstrumentType, Instrument]:
        """The instruments of this name; more than one for a pair that is traded on margin too.

        Raises:
            ExchangeUnavailableError: OKX has not told any instruments yet.
        """
        if not self._by_name:
            raise ExchangeUnavailableError("it has not told its instruments yet")
        found = self._by_name.get(name)
        if found is None:
            self.doubt()
            return {}
        return found

    def find_any(self, name: str) -> Instrument | None:
        """An instrument of this name: of SPOT and MARGIN, which share limits, the first."""
        return next(iter(self.find(name).values()), None)

    def find_for(self, name: str, trade_mode: TradeMode) -> Instrument | None:
        """The instrument that an order in `trade_mode` is for."""
        found = self.find(name)
        if InstrumentType.SPOT in found and InstrumentType.MARGIN in found:
            borrowed = trade_mode is not TradeMode.CASH
            return found[InstrumentType.MARGIN if borrowed else InstrumentType.SPOT]
        return self.find_any(name)

    def of_type(self, kind: InstrumentType) -> list[Instrument]:
        """All instruments of a type, by their names; of options, those of the families read.

        Raises:
            ExchangeUnavailableError: OKX has not told those of this type yet.
        """
        parts = [self._loaded.get(source) for source in self._sources if source[0] is kind]
        if parts and all(part is None for part in parts):
            raise ExchangeUnavailableError(f"it has not told its {kind} instruments yet")
        return sorted(
            (each for part in parts if part for each in part.values()), key=lambda each: each.name
        )

    def doubt(self) -> None:
        """Have all instruments read again soon: OKX does not know one as it was told of."""
        self._missed.set()

    async def refresh(self) -> bool:
        """Read all instruments anew; whether every part succeeded. A part that fails stays."""
        results = await asyncio.gather(*(self._read(*source) for source in self._sources))
        by_name: dict[str, dict[InstrumentType, Instrument]] = {}
        for instruments in self._loaded.values():
            for instrument in instruments.values():
                by_name.setdefault(instrument.name, {})[instrument.type] = instrument
        self._by_name = by_name
        return all(results)

    async def keep_fresh(self) -> None:
        """Refresh for ever: at intervals, soon after a failure, and for an unknown id."""
        while True:
            started_s = time.monotonic()
            complete = await self.refresh()
            self._missed.clear()
            wait_s = self._refresh_s if complete else _RETRY_S
            try:
                async with asyncio.timeout(wait_s):
                    await self._missed.wait()
                    await asyncio.sleep(max(0.0, started_s + _MISS_REFRESH_S - time.monotonic()))
            except TimeoutError:
                continue

    async def _read(self, kind: InstrumentType, family: str) -> bool:
        try:
            instruments = await self._load(kind, family)
        except GatewayError as error:
            _LOG.warning("instruments not read", type=kind.value, family=family, error=str(error))
            return False
        self._loaded[kind, family] = {each.name: each for each in instruments}
        return True
