"""What is live state of accounts made of?  A part of `parts`."""

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


def make_live_accounts(
    settings: Settings,
    stack: AsyncExitStack,
    *,
    tls: ssl.SSLContext | None,
    login_of: Callable[[str], Callable[[], str]],
    wait_for_room: Callable[[], Awaitable[None]],
    read: ReadOrders,
    clock: ExchangeClock,
    alarms: Alarms,
) -> LiveAccounts:
    """Make it; what has to be closed is closed with `stack`."""
    sockets = PrivateSockets(
        settings.okx_ws_private_url,
        tls=tls,
        login_of=login_of,
        wait_for_room=wait_for_room,
        on_trouble=lambda cause: alarms.sound(Alarm.CHANNEL_REFUSED, for_s=_REFUSED_S, cause=cause),
    )
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
    stack.push_async_callback(sockets.close)
    stack.callback(live.close)
    return live
