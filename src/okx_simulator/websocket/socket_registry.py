"""Which sockets are open? Keeps them by name, and reaches several of them at once."""

from collections.abc import Iterator

import orjson

from okx_simulator.websocket.channel import Url
from okx_simulator.websocket.error import CloseCode, text_of
from okx_simulator.websocket.socket import Silence, Socket, monotonic_us

SOCKETS_MAX = 2_000
_NOTICE = "64008"


class SocketRegistry:
    """The open sockets by connection id, and how many there have been."""

    def __init__(self) -> None:
        self._open: dict[str, Socket] = {}
        self.accepted = 0

    def __len__(self) -> int:
        return len(self._open)

    def __contains__(self, connection: str) -> bool:
        return connection in self._open

    def add(self, socket: Socket) -> None:
        """Take a socket in."""
        self._open[socket.session.connection] = socket
        self.accepted += 1

    def remove(self, socket: Socket) -> None:
        """Forget a socket."""
        self._open.pop(socket.session.connection, None)

    def select(self, uid: str = "", url: str = "") -> Iterator[Socket]:
        """Yield the sockets of an account and a URL; an empty word fits all."""
        for socket in tuple(self._open.values()):
            session = socket.session
            if uid in ("", session.uid) and url in ("", session.url):
                yield socket

    def disconnect(self, uid: str = "", url: str = "", code: CloseCode | None = None) -> int:
        """Close sockets with a code, or without one just lose them; return how many."""
        selected = list(self.select(uid, url))
        for socket in selected:
            if code is None:
                socket.abort()
            else:
                socket.close(code)
        return len(selected)

    def notify(self, uid: str = "", url: str = "") -> list[Socket]:
        """Announce a service upgrade to sockets; return those.

        OKX docs, 'Notification': the public and the private URL announce it, business does not.
        """
        selected = [s for s in self.select(uid, url) if s.session.url is not Url.BUSINESS]
        for socket in selected:
            notify(socket)
        return selected

    def revoke(self, key: str) -> int:
        """Close the sockets that a key is logged in on, as its deletion does; return how many."""
        selected = [s for s in self.select() if s.session.is_by(key)]
        for socket in selected:
            socket.close(CloseCode.KEY_CHANGED)
        return len(selected)

    def close_idle(self, idle_us: int) -> None:
        """Close sockets on which no frame has passed for `idle_us`."""
        oldest_us = monotonic_us() - idle_us
        for socket in self.select():
            if socket.last_frame_us < oldest_us and socket.silence is Silence.NONE:
                socket.close(CloseCode.NO_DATA)
                socket.touch()

    def rows(self) -> list[dict[str, object]]:
        """Return the open sockets as JSON."""
        return [
            {
                "connection": socket.session.connection,
                "url": str(socket.session.url),
                "uid": socket.session.uid,
                "ip": socket.session.ip,
                "subscriptions": len(socket.session.subscriptions),
            }
            for socket in self.select()
        ]


def notify(socket: Socket) -> None:
    """Announce a service upgrade to one socket."""
    frame = {
        "event": "notice",
        "code": _NOTICE,
        "msg": text_of(_NOTICE),
        "connId": socket.session.connection,
    }
    socket.send(orjson.dumps(frame).decode())
