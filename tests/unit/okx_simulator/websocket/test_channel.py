from typing import Any

import pytest

from okx_simulator.market.listing import Listing
from okx_simulator.websocket.channel import CHANNELS, ChannelError, Subject, Url, check_argument

LISTING = Listing(1_767_225_600_000)
SAMPLES = {
    Subject.NOTHING: {},
    Subject.INSTRUMENT: {"instId": "BTC-USDT-SWAP"},
    Subject.INDEX: {"instId": "BTC-USDT"},
    Subject.INSTRUMENT_TYPE: {"instType": "SWAP"},
}


def _code(arg: dict[str, Any], url: Url = Url.PUBLIC, uid: str = "") -> tuple[str, str]:
    with pytest.raises(ChannelError) as caught:
        check_argument(arg, url, uid, LISTING)
    return caught.value.code, caught.value.message


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_every_channel_is_found_on_its_url_after_a_login(name: str) -> None:
    channel = CHANNELS[name]
    arg = {"channel": name, **SAMPLES[channel.subject]}
    if channel.needs_vip:
        assert _code(arg, channel.url, "u1")[0] == "64003"
    else:
        assert check_argument(arg, channel.url, "u1", LISTING) is channel


@pytest.mark.parametrize("name", sorted(CHANNELS))
def test_every_channel_is_refused_on_the_other_urls(name: str) -> None:
    channel = CHANNELS[name]
    arg = {"channel": name, **SAMPLES[channel.subject]}
    for url in set(Url) - {channel.url}:
        expected = "60018"
        if channel.url is Url.BUSINESS:
            expected = "64001"
        elif url is Url.BUSINESS:
            expected = "64002"
        assert _code(arg, url, "u1")[0] == expected


@pytest.mark.parametrize("name", sorted(n for n, row in CHANNELS.items() if row.is_private))
def test_private_channels_want_a_login(name: str) -> None:
    channel = CHANNELS[name]
    arg = {"channel": name, **SAMPLES[channel.subject]}
    assert _code(arg, channel.url) == ("60011", "Please log in")


def test_an_unknown_channel_or_instrument_is_60018_as_okx_spells_it() -> None:
    expected = (
        "Wrong URL or channel:tickers,instId:LUNA-USDT doesn't exist. Please use the correct URL, "
        "channel and parameters referring to API document."
    )
    assert _code({"channel": "tickers", "instId": "LUNA-USDT"}) == ("60018", expected)
    assert _code({"channel": "rumours"})[0] == "60018"
    assert _code({})[0] == "60018"
    assert _code({"channel": ["tickers"]})[0] == "60018"


def test_a_missing_word_is_60027() -> None:
    assert _code({"channel": "tickers"}) == ("60027", "Parameter instId can not be empty.")
    assert _code({"channel": "orders"}, Url.PRIVATE, "u1")[0] == "60027"


def test_a_channel_exists_only_for_its_types_of_instrument() -> None:
    assert _code({"channel": "funding-rate", "instId": "BTC-USDT"})[0] == "60018"
    assert _code({"channel": "open-interest", "instId": "BTC-USDT"})[0] == "60018"
    assert _code({"channel": "positions", "instType": "SPOT"}, Url.PRIVATE, "u1")[0] == "60018"
    orders = {"channel": "orders", "instType": "SPOT"}
    assert check_argument(orders, Url.PRIVATE, "u1", LISTING).name == "orders"


def test_the_retired_word_uly_is_64000() -> None:
    arg = {"channel": "orders", "instType": "SWAP", "uly": "BTC-USDT"}
    assert _code(arg, Url.PRIVATE, "u1")[0] == "64000"


def test_an_index_exists_as_family_or_as_pair() -> None:
    for index in ("BTC-USDT", "BTC-USD"):
        arg = {"channel": "index-tickers", "instId": index}
        assert check_argument(arg, Url.PUBLIC, "", LISTING).name == "index-tickers"
    assert _code({"channel": "index-tickers", "instId": "XXX-YYY"})[0] == "60018"


def test_months_and_minutes_are_told_apart() -> None:
    assert {"candle1m", "candle1M"} <= set(CHANNELS)


def test_what_is_sent_back_is_bounded() -> None:
    assert len(_code({"channel": "x" * 10_000})[1]) < 400
