"""What does the ledger answer who asks whether an order may be sent?  Pure."""

from dataclasses import dataclass

from okx_gateway.domain.order import Outcome
from okx_gateway.ledger.charge import Route
from okx_gateway.ledger.order_record import OrderRecord

# A grant is given up for a new one before its slot, if that lies further ahead than this: what was
# granted in an epoch that has ended is then either sent by now, or never.
UNCHECKED_WAIT_S = 0.25


def renew_at_s(slot_s: float, wait_s: float) -> float | None:
    """When to ask again for a slot that was `wait_s` ahead; None where it is near enough to use.

    A slot is given on the understanding that every request before it takes as long to OKX as it
    may. Most take less, and once that is known the room is there sooner. So it is asked for again
    after half of the wait, and half of what is left then: who waits moves up as others do.
    """
    if wait_s <= UNCHECKED_WAIT_S:
        return None
    return slot_s - wait_s / 2


@dataclass(frozen=True, slots=True)
class LedgerSettings:
    """How orders are bounded and remembered.

    `validity_ms` is how long after its slot OKX may take an order, `least_validity_ms` what must be
    left of that before the caller's deadline, `margin_ms` how long after its expiry it may still
    come to show, `retention_ms` how long an order's row is kept. For `look_first_ms` of a new epoch
    an unknown id is looked up at OKX before it is sent. With `shadow` windows are only counted.
    """

    validity_ms: int = 1_000
    least_validity_ms: int = 100
    margin_ms: int = 10_000
    retention_ms: int = 7 * 24 * 3_600_000
    look_first_ms: int = 15 * 60_000
    shadow: bool = False

    @property
    def silence_us(self) -> int:
        """How long in a new epoch nothing is sent: then OKX shows all that was granted before."""
        return int(UNCHECKED_WAIT_S * 1e6) + 1000 * (self.validity_ms + self.margin_ms)


@dataclass(frozen=True, slots=True)
class Known:
    """The id was used before; nothing was spent."""

    record: OrderRecord


@dataclass(frozen=True, slots=True)
class LookFirst:
    """Rows may have been lost: ask again once OKX was asked for the id; nothing was spent."""


@dataclass(frozen=True, slots=True)
class Granted:
    """The order is on record as being sent: write it in its slot, or settle it as unsent.

    The slot is from `slot_s` to `until_s` of our monotonic clock, `wait_s` ahead. OKX must not take
    the order after `expiry_ms` of its clock. `route` is the index of the route that it was granted
    on, and `fence` names the grant. By the ledger's clock the slot began at `slot_us`.
    """

    slot_s: float
    until_s: float
    wait_s: float
    expiry_ms: int
    route: int
    fence: str
    slot_us: int


@dataclass(frozen=True, slots=True)
class Arrival:
    """When OKX counted a request whose slot was at `slot_us` of the ledger's clock.

    Before its answer came at `answered_s` of our monotonic clock, whatever OKX's clock says: the
    spend is moved there, and need not be taken to have arrived as late as `jitter_us` after its
    slot any more. Where OKX says that it had arrived by `arrived_s` at the latest and that is later
    than so, it is moved there instead.
    """

    route: Route
    caller: str
    slot_us: int
    answered_s: float
    arrived_s: float
    jitter_us: int


@dataclass(frozen=True, slots=True)
class Settlement:
    """How an order stands; `cancel_wanted` where a cancel waits for it, `lost` without a row.

    An outcome that is not `on_record` is what its finder knows, and nobody else yet.
    """

    outcome: Outcome
    on_record: bool = True
    cancel_wanted: bool = False
    lost: bool = False


@dataclass(frozen=True, slots=True)
class OpenRows:
    """Rows taken over by who asked; how many are open in all, and how late the oldest is.

    `since_us` is when the epoch began by the ledger's clock, 0 where nothing can be missing.
    """

    since_us: int
    taken: tuple[OrderRecord, ...]
    open_count: int
    late_s: float
