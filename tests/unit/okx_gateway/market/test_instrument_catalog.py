import asyncio

import pytest

from okx_gateway.domain.errors import ExchangeUnavailableError
from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.domain.order import TradeMode
from okx_gateway.market import instrument_catalog
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from tests.fakes.orders import an_instrument


class Listing:
    """What OKX lists, by type; types in `away` cannot be read."""

    def __init__(self) -> None:
        self.listed = {kind: [an_instrument(kind)] for kind in InstrumentType}
        self.away: set[InstrumentType] = set()
        self.read: list[tuple[InstrumentType, str]] = []

    async def __call__(self, kind: InstrumentType, family: str) -> list[Instrument]:
        self.read.append((kind, family))
        if kind in self.away:
            raise ExchangeUnavailableError("HTTP 503")
        return self.listed[kind]


@pytest.fixture
def listing() -> Listing:
    return Listing()


def a_catalog(listing: Listing, *families: str, refresh_s: float = 3_600) -> InstrumentCatalog:
    return InstrumentCatalog(listing, option_families=families, refresh_s=refresh_s)


async def test_every_type_is_read_and_options_by_family(listing: Listing) -> None:
    catalog = a_catalog(listing, "BTC-USD", "ETH-USD")
    assert await catalog.refresh()
    assert sorted(listing.read) == [
        (InstrumentType.FUTURES, ""),
        (InstrumentType.MARGIN, ""),
        (InstrumentType.OPTION, "BTC-USD"),
        (InstrumentType.OPTION, "ETH-USD"),
        (InstrumentType.SPOT, ""),
        (InstrumentType.SWAP, ""),
    ]
    for kind in InstrumentType:
        assert catalog.find(an_instrument(kind).name)[kind] == an_instrument(kind)


async def test_before_anything_was_read_no_name_is_called_unlisted(listing: Listing) -> None:
    catalog = a_catalog(listing)
    before = catalog.loaded
    with pytest.raises(ExchangeUnavailableError):
        catalog.find("BTC-USDT")
    await catalog.refresh()
    assert (before, catalog.loaded) == (False, True)
    assert catalog.find("XYZ-USDT") == {}
    assert catalog.find_any("XYZ-USDT") is None


@pytest.mark.parametrize(
    ("mode", "kind"),
    [
        (TradeMode.CASH, InstrumentType.SPOT),
        (TradeMode.CROSS, InstrumentType.MARGIN),
        (TradeMode.ISOLATED, InstrumentType.MARGIN),
    ],
)
async def test_the_trade_mode_tells_spot_from_margin(
    listing: Listing, mode: TradeMode, kind: InstrumentType
) -> None:
    catalog = a_catalog(listing)
    await catalog.refresh()
    assert catalog.find_for("BTC-USDT", mode) == an_instrument(kind)
    # Where there is one only, its own rules say what is wrong with the trade mode.
    assert catalog.find_for("BTC-USDT-SWAP", mode) == an_instrument(InstrumentType.SWAP)
    assert catalog.find_for("XYZ-USDT", mode) is None


async def test_a_part_that_cannot_be_read_stays_as_it_was(listing: Listing) -> None:
    catalog = a_catalog(listing)
    await catalog.refresh()
    listing.away = {InstrumentType.SWAP}
    listing.listed[InstrumentType.SPOT] = []
    assert not await catalog.refresh()
    assert catalog.find_any("BTC-USDT-SWAP") is not None
    assert list(catalog.find("BTC-USDT")) == [InstrumentType.MARGIN]


async def test_an_instrument_that_is_no_longer_listed_goes(listing: Listing) -> None:
    catalog = a_catalog(listing)
    await catalog.refresh()
    listing.listed[InstrumentType.SWAP] = []
    await catalog.refresh()
    assert catalog.find("BTC-USDT-SWAP") == {}


async def times_read(listing: Listing, catalog: InstrumentCatalog, wait_s: float) -> int:
    keeping = asyncio.ensure_future(catalog.keep_fresh())
    await asyncio.sleep(wait_s)
    keeping.cancel()
    await asyncio.gather(keeping, return_exceptions=True)
    return sum(kind is InstrumentType.SPOT for kind, _ in listing.read)


async def test_it_is_read_anew_at_intervals(listing: Listing) -> None:
    catalog = a_catalog(listing, refresh_s=0.03)
    assert 3 <= await times_read(listing, catalog, 0.2) <= 8


async def test_it_is_read_anew_soon_after_a_failure(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_catalog, "_RETRY_S", 0.03)
    listing.away = {InstrumentType.FUTURES}
    assert await times_read(listing, a_catalog(listing), 0.2) >= 3


async def test_an_unknown_name_has_it_read_anew_but_not_at_once_again(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_catalog, "_MISS_REFRESH_S", 0.08)
    catalog = a_catalog(listing)
    keeping = asyncio.ensure_future(times_read(listing, catalog, 0.25))
    for _ in range(20):
        await asyncio.sleep(0.01)
        catalog.find("XYZ-USDT")
    assert 2 <= await keeping <= 5


async def test_an_instrument_that_okx_does_not_know_any_more_is_read_anew(
    listing: Listing, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(instrument_catalog, "_MISS_REFRESH_S", 0.02)
    listing.listed[InstrumentType.SPOT] = [an_instrument(socket_code=1)]
    catalog = a_catalog(listing)
    keeping = asyncio.ensure_future(times_read(listing, catalog, 0.15))
    await asyncio.sleep(0.04)
    listing.listed[InstrumentType.SPOT] = [an_instrument(socket_code=2)]
    catalog.doubt()
    assert await keeping == 2
    found = catalog.find_for("BTC-USDT", TradeMode.CASH)
    assert found is not None
    assert found.socket_code == 2


async def test_names_that_are_known_have_nothing_read(listing: Listing) -> None:
    catalog = a_catalog(listing)
    keeping = asyncio.ensure_future(times_read(listing, catalog, 0.08))
    await asyncio.sleep(0.02)
    catalog.find("BTC-USDT")
    assert await keeping == 1


async def test_the_instruments_of_a_type_are_listed_by_their_names(listing: Listing) -> None:
    other = an_instrument(InstrumentType.SPOT, name="AAVE-USDT")
    listing.listed[InstrumentType.SPOT].append(other)
    catalog = a_catalog(listing)
    with pytest.raises(ExchangeUnavailableError):
        catalog.of_type(InstrumentType.SPOT)
    await catalog.refresh()
    assert [each.name for each in catalog.of_type(InstrumentType.SPOT)] == ["AAVE-USDT", "BTC-USDT"]
    assert catalog.of_type(InstrumentType.OPTION) == []


async def test_a_type_that_could_not_be_read_is_not_called_empty(listing: Listing) -> None:
    listing.away = {InstrumentType.SWAP}
    listing.listed[InstrumentType.SPOT] = []
    catalog = a_catalog(listing)
    await catalog.refresh()
    assert catalog.of_type(InstrumentType.SPOT) == []
    with pytest.raises(ExchangeUnavailableError):
        catalog.of_type(InstrumentType.SWAP)
