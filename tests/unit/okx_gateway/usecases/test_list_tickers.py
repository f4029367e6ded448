from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.instrument import InstrumentType
from okx_gateway.usecases.market_reads import Asker
from tests.fakes.desk import Desk


async def test_the_tickers_of_a_type_come_in_one_answer(desk: Desk) -> None:
    asker = Asker("desk", Deadline.after(3))
    dated = await desk.market.list_tickers(InstrumentType.SWAP, asker)
    assert [each.instrument for each in dated.value] == ["BTC-USDT", "ETH-USDT"]
    assert desk.exchange.market_read == [("tickers", "SWAP")]
