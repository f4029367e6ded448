"""What have the replicas learnt of the way to OKX, all together?  Touches Redis.

A window is as safe as the narrowest that anybody spends from, so all have to widen theirs by the
same, and by what lies between the quickest way of any and the slowest of any.
"""

from okx_gateway.domain.errors import LedgerUnavailableError
from okx_gateway.ledger.jitter import JITTER_MS_MAX, Way, jitter_ms
from okx_gateway.ledger.ledger_script import LedgerScripts, new_fence

# A replica that has told nothing for so long is gone, and so is what it has sent.
_STANDS_US = 60_000_000


class RedisJitter:
    """The jitter of all replicas that send for an owner."""

    def __init__(self, scripts: LedgerScripts) -> None:
        self._scripts = scripts
        self._replica = new_fence()

    @property
    def clocks_set(self) -> int:
        """How often the ledger's clock was seen to be set."""
        return self._scripts.clocks_set

    async def share(self, owner: str, own: Way | int | None) -> int | None:
        """Tell what was learnt here, and what holds for all, in ms.

        `own` is a number of ms to go by where requests are sent and not enough is learnt yet, None
        where none are sent. None comes back where no replica sends.

        Raises:
            LedgerUnavailableError: No answer that can be used; it may have been told.
        """
        told = await self._scripts.call(
            "share_jitter", owner, ["jitter"], [self._replica, _text(own), _STANDS_US]
        )
        read = [_read(each) for each in told]
        known_ms = [each for each in read if isinstance(each, int)]
        ways = [each for each in read if isinstance(each, Way)]
        if ways:
            known_ms.append(jitter_ms(ways))
        return min(max(known_ms), JITTER_MS_MAX) if known_ms else None


def _text(own: Way | int | None) -> str:
    match own:
        case None:
            return ""
        case int(ms):
            return f"{ms} ms"
        case Way(least_us, most_us):
            return f"{least_us} {most_us}"


def _read(text: str) -> Way | int:
    try:
        first, second = text.split(" ")
        return int(first) if second == "ms" else Way(int(first), int(second))
    except (ValueError, AttributeError) as error:
        raise LedgerUnavailableError("a jitter that no replica told") from error
