"""What follows when OKX closes a WebSocket, or refuses a login?  A table, pure.

Source: OKX docs v5, "Error Code", "WebSocket" and "Close Frame"; RFC 6455, 7.4.1.
"""

from enum import StrEnum


class Reaction(StrEnum):
    """What is done next."""

    RECONNECT = "reconnect"  # connect and log in anew, after the usual pause
    RECONNECT_SLOWLY = "reconnect_slowly"  # it will likely come again: wait long, and sound alarm
    FEWER_CHANNELS = "fewer_channels"  # as RECONNECT_SLOWLY, and with fewer channels


_BY_CLOSE_CODE = {
    1009: Reaction.RECONNECT_SLOWLY,  # a frame of ours was too long
    4001: Reaction.RECONNECT_SLOWLY,  # login failed
    4002: Reaction.RECONNECT_SLOWLY,  # a request of ours was invalid
    4003: Reaction.FEWER_CHANNELS,  # more than 100 subscriptions of one key
    4004: Reaction.RECONNECT,  # nothing was said for 30 s
    4005: Reaction.RECONNECT,  # we read too slowly
    4006: Reaction.RECONNECT,  # abnormal
    4007: Reaction.RECONNECT,  # the key was changed or deleted: the next login tells which
    4008: Reaction.FEWER_CHANNELS,  # too many channels
    4009: Reaction.FEWER_CHANNELS,  # too many channels on this connection
}

# Refused logins that say nothing against the credential: the time of the signature, too many
# requests, OKX out of order or out of time.
_LOGIN_MAY_COME_GOOD = frozenset({"60004", "60006", "60014", "63999", "50001", "50004", "50026"})


def reaction_to_close(code: int | None) -> Reaction:
    """What to do after a close with `code`, None where the connection was lost without one."""
    return _BY_CLOSE_CODE.get(code or 0, Reaction.RECONNECT)


def reaction_to_login(code: str) -> Reaction:
    """What to do after a login was refused with OKX's `code`."""
    return Reaction.RECONNECT if code in _LOGIN_MAY_COME_GOOD else Reaction.RECONNECT_SLOWLY
