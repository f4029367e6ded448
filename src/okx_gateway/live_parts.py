"""What are the sockets of accounts and the live state over them made of?  A part of `parts`."""

import ssl
from collections.abc import Awaitable, Callable
from contextlib import AsyncExitStack
from functools import partial

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.private_sockets import PrivateSockets
from okx_gateway.settings import Settings
from okx_gateway.usecases.alarms import Alarm, Alarms
from okx_gateway.usecases.read_orders import ReadOrders

# A channel or a login that OKX refuses is tried again every minute or so.
_REFUSED_S = 120.0


def make_private_sockets(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    tls: ssl.SSLContext | None,
    login_of: Callable[[str], Callable[[], str]],
    wait_for_room: Callable[[], Awaitable[None]],
    alarms: Alarms,
) -> PrivateSockets:
    """Make them; they are closed with `stack`."""
    sockets = PrivateSockets(
        settings.okx_ws_private_url,
        tls=tls,
        login_of=login_of,
        wait_for_room=wait_for_room,
        on_trouble=lambda cause: alarms.sound(Alarm.CHANNEL_REFUSED, for_s=_REFUSED_S, cause=cause),
        # One that takes orders has to be there when the next one comes.
        stays_open=settings.order_route != "rest",
    )
    stack.push_async_callback(sockets.close)
    return sockets


def make_live_accounts(
    settings: Settings,
    stack: AsyncExitStack,
    sockets: PrivateSockets,
    *,
    read: ReadOrders,
    clock: ExchangeClock,
    alarms: Alarms,
) -> LiveAccounts:
    """Make it; what has to be closed is closed with `stack`."""
    live = LiveAccounts(
        socket_of=sockets.of,
        lists_of=lambda account: partial(read, account),
        refused=lambda account, channel, code: alarms.sound(
            Alarm.CHANNEL_REFUSED, for_s=_REFUSED_S, account=account, channel=channel, code=code
        ),
        now_ms=clock.now_ms,
        grace_s=settings.private_channel_grace_s,
        kept_max=settings.order_changes_kept,
    )
    stack.callback(live.close)
    return live
