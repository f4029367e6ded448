"""What does ListInstruments promise?  The instruments of a type, as they are known here."""

from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.market.instrument_catalog import InstrumentCatalog


class ListInstruments:
    """Lists instruments; see the module."""

    def __init__(self, instruments: InstrumentCatalog) -> None:
        self._instruments = instruments

    def __call__(self, kind: InstrumentType) -> list[Instrument]:
        """List the instruments of a type, by their ids.

        Raises:
            ExchangeUnavailableError: OKX has not told those of this type yet.
        """
        return self._instruments.of_type(kind)
