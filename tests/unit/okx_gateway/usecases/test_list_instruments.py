from okx_gateway.domain.instrument import InstrumentType
from tests.fakes.desk import Desk


async def test_instruments_are_listed_without_asking_okx(desk: Desk) -> None:
    [swap] = desk.market.list_instruments(InstrumentType.SWAP)
    assert swap.name == "BTC-USDT-SWAP"
    assert desk.exchange.market_read == []
