"""What should somebody look at now?

An alarm sounds as a figure for machines and as a line in the log, and ends by itself once its cause
has not come again for a while.
"""

import time
from enum import StrEnum

import structlog

from okx_gateway import metric

_LOG = structlog.get_logger()
_LOGGED_EVERY_S = 60.0


class Alarm(StrEnum):
    """What there are alarms for."""

    QUEUE_TIME = "queue_time"  # OKX takes so long for orders that absence may soon prove nothing
    THROTTLED = "throttled"  # OKX says that a limit was exceeded, against our record
    CHANNEL_REFUSED = "channel_refused"  # OKX refuses a private channel: it is read instead
    SOCKET_REFUSED = "socket_refused"  # OKX refuses a login, or closes a socket for what it asked


_TEXTS = {
    Alarm.QUEUE_TIME: "OKX takes long for orders: raise the absence margin",
    Alarm.THROTTLED: "OKX throttles, against the record of what was sent",
    Alarm.CHANNEL_REFUSED: "OKX refuses a private channel, and is asked in its place",
    Alarm.SOCKET_REFUSED: "OKX refuses a socket, which is tried again slowly",
}


class Alarms:
    """The alarms of this replica."""

    def __init__(self) -> None:
        self._until_s: dict[Alarm, float] = {}
        self._logged_s: dict[Alarm, float] = {}
        for each in Alarm:
            metric.alarm(each, sounds=False)

    def sound(self, alarm: Alarm, *, for_s: float, **facts: float | str) -> None:
        """Sound `alarm` for at least `for_s` from now; `facts` are logged, once a minute."""
        now_s = time.monotonic()
        self._until_s[alarm] = max(self._until_s.get(alarm, 0.0), now_s + for_s)
        metric.alarm(alarm, sounds=True)
        if now_s - self._logged_s.get(alarm, float("-inf")) >= _LOGGED_EVERY_S:
            self._logged_s[alarm] = now_s
            _LOG.error(_TEXTS[alarm], alarm=alarm.value, **facts)

    def end_old(self) -> None:
        """End the alarms whose time is over; to be called now and then."""
        now_s = time.monotonic()
        for alarm in [each for each, until_s in self._until_s.items() if until_s <= now_s]:
            del self._until_s[alarm]
            metric.alarm(alarm, sounds=False)
