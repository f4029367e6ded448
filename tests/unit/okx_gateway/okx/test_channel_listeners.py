import pytest

from okx_gateway.okx.channel import Push, channel_of
from okx_gateway.okx.channel_listeners import ChannelListeners
from okx_gateway.okx.socket_event import Lapsed, Pushed, Ready, Refused, Stale, Subscribed
from tests.fakes.channels import Told

BTC, ETH = channel_of("tickers", instId="BTC-USDT"), channel_of("tickers", instId="ETH-USDT")
PUSH = Push(receive_ms=7)


def test_each_listener_is_told_of_its_channel_alone() -> None:
    listeners, btc, eth = ChannelListeners(), Told(), Told()
    listeners.add(BTC, btc)
    listeners.add(ETH, eth)
    assert list(listeners) == [BTC, ETH]
    for event in (
        Subscribed(BTC),
        Pushed(BTC, [{"last": "1"}], PUSH),
        Stale(BTC),
        Refused(ETH, "60018"),
        Ready(),
    ):
        listeners.tell(event)
    listeners.tell_rows(BTC, [{"last": "2"}], PUSH)
    assert btc.of(BTC) == ["subscribed", {"last": "1"}, "stale", {"last": "2"}]
    assert eth.of(ETH) == ["refused 60018"]


def test_a_loss_is_told_once_until_the_channel_is_subscribed_again() -> None:
    listeners, told = ChannelListeners(), Told()
    listeners.add(BTC, told)
    listeners.lose()
    listeners.lose()
    listeners.tell(Lapsed(BTC))
    listeners.tell(Subscribed(BTC))
    listeners.lose()
    assert told.of(BTC) == ["lost", "subscribed", "lost"]


def test_who_left_is_told_nothing() -> None:
    listeners, told = ChannelListeners(), Told()
    listeners.add(BTC, told)
    listeners.lose()
    assert listeners.remove(BTC)
    assert not listeners.remove(BTC)
    listeners.tell(Subscribed(BTC))
    listeners.tell_rows(BTC, [], PUSH)
    assert told.of(BTC) == ["lost"]
    assert len(listeners) == 0
    listeners.add(BTC, told)
    listeners.lose()
    assert told.of(BTC) == ["lost", "lost"]


def test_a_channel_has_one_listener() -> None:
    listeners = ChannelListeners()
    listeners.add(BTC, Told())
    with pytest.raises(ValueError, match="has a listener"):
        listeners.add(BTC, Told())
