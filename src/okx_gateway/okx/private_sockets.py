"""Which private WebSocket belongs to which account?  One each, made when it is first asked for."""

import asyncio
import ssl
from collections.abc import Awaitable, Callable

import structlog

from okx_gateway.okx.socket_keeper import ChannelSocket

_LOG = structlog.get_logger()


class PrivateSockets:
    """The sockets of accounts at `url`; `login_of` makes what logs an account in.

    `wait_for_room`, `on_trouble` and `stays_open` are as of ChannelSocket.
    """

    def __init__(
        self,
        url: str,
        *,
        tls: ssl.SSLContext | None,
        login_of: Callable[[str], Callable[[], str]],
        wait_for_room: Callable[[], Awaitable[None]],
        on_trouble: Callable[[str], None],
        stays_open: bool = False,
    ) -> None:
        self._url = url
        self._tls = tls
        self._login_of = login_of
        self._wait_for_room = wait_for_room
        self._on_trouble = on_trouble
        self._stays_open = stays_open
        self._sockets: dict[str, ChannelSocket] = {}
        self._tasks: set[asyncio.Task[None]] = set()

    def of(self, account: str) -> ChannelSocket:
        """The socket of an account that exists; it connects by itself once it is needed."""
        socket = self._sockets.get(account)
        if socket is None:
            socket = ChannelSocket(
                self._url,
                tls=self._tls,
                login=self._login_of(account),
                wait_for_room=self._wait_for_room,
                on_trouble=self._on_trouble,
                stays_open=self._stays_open,
            )
            self._sockets[account] = socket
            task = asyncio.get_running_loop().create_task(socket.run())
            task.add_done_callback(_report)
            self._tasks.add(task)
        return socket

    async def close(self) -> None:
        """Close them all."""
        for task in self._tasks:
            task.cancel()
        await asyncio.gather(*self._tasks, return_exceptions=True)


def _report(task: asyncio.Task[None]) -> None:
    if not task.cancelled() and task.exception() is not None:
        _LOG.error("a private socket is not kept any more", exc_info=task.exception())
