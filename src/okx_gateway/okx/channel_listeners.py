"""Who wants which channel, and who has been told of a loss?  Pure."""

from collections.abc import Iterator

from okx_gateway.okx.channel import Channel, ChannelListener, Push
from okx_gateway.okx.reply import Row
from okx_gateway.okx.socket_event import Lapsed, Pushed, Refused, SocketEvent, Stale, Subscribed


class ChannelListeners:
    """The wanted channels in the order in which they were wanted, each with its listener."""

    def __init__(self) -> None:
        self._listeners: dict[Channel, ChannelListener] = {}
        self._lost: set[Channel] = set()

    def __len__(self) -> int:
        return len(self._listeners)

    def __iter__(self) -> Iterator[Channel]:
        return iter(self._listeners)

    def add(self, channel: Channel, listener: ChannelListener) -> None:
        """Tell `listener` of `channel` from now on.

        Raises:
            ValueError: It has a listener.
        """
        if channel in self._listeners:
            raise ValueError(f"{channel} has a listener already")
        self._listeners[channel] = listener

    def remove(self, channel: Channel) -> bool:
        """Tell nobody of `channel` any more; whether there was somebody."""
        self._lost.discard(channel)
        return self._listeners.pop(channel, None) is not None

    def tell(self, event: SocketEvent) -> None:
        """Tell what happened to one channel; of a loss once until it is subscribed again."""
        channel = getattr(event, "channel", None)
        listener = self._listeners.get(channel) if channel is not None else None
        if listener is None:
            return
        match event:
            case Pushed(channel, rows, push):
                listener.on_rows(channel, rows, push)
            case Subscribed(channel):
                self._lost.discard(channel)
                listener.on_subscribed(channel)
            case Refused(channel, code):
                listener.on_refused(channel, code)
            case Stale(channel):
                listener.on_stale(channel)
            case Lapsed(channel) if channel not in self._lost:
                self._lost.add(channel)
                listener.on_lost(channel)

    def tell_rows(self, channel: Channel, rows: list[Row], push: Push) -> None:
        """Tell of the rows of a push."""
        listener = self._listeners.get(channel)
        if listener is not None:
            listener.on_rows(channel, rows, push)

    def lose(self) -> None:
        """Tell everybody that updates are being missed."""
        for channel in list(self._listeners):
            self.tell(Lapsed(channel))
