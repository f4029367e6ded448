from okx_gateway.market.live_ticker import LiveTicker
from okx_gateway.okx.channel import Push
from okx_gateway.okx.reply import Row

PUSH = Push(receive_ms=7)


def row(last: object, ts: str) -> Row:
    return {"instId": "BTC-USDT", "last": last, "ts": ts}


def test_the_latest_ticker_is_kept_and_told() -> None:
    live = LiveTicker("BTC-USDT")
    assert live.known() is None
    [news] = live.take([row("1", "100")], PUSH)
    assert (news.key, news.value.last_price, news.value.receive_ms) == ("BTC-USDT", "1", 7)
    known = live.known()
    assert known is not None
    assert known.value is news.value
    assert known.age_s() < 1


def test_an_older_ticker_never_follows_a_newer_one() -> None:
    live = LiveTicker("BTC-USDT")
    told = live.take([row("5", "500"), row("4", "400"), row("6", "500")], PUSH)
    assert [each.value.last_price for each in told] == ["5", "6"]


def test_what_cannot_be_read_is_passed_over() -> None:
    live = LiveTicker("BTC-USDT")
    told = live.take([row(5, "500"), row("6", "soon"), row("7", "600")], PUSH)
    assert [each.value.last_price for each in told] == ["7"]


def test_what_is_known_stays_known_through_a_loss() -> None:
    live = LiveTicker("BTC-USDT")
    live.take([row("5", "500")], PUSH)
    live.lose()
    assert live.known() is not None
