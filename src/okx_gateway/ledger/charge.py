"""Which windows does a request spend from?  Pure."""

from dataclasses import dataclass

from okx_gateway.domain.instrument import Instrument, InstrumentType
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.rate_limit import SUB_ACCOUNT_LIMIT, Limit, Scope

# OKX does not count orders on these towards the sub-account limit.
# Source: OKX docs v5, "Sub-account rate limit".
_EXEMPT_FROM_SUB_ACCOUNT = frozenset({InstrumentType.SPOT, InstrumentType.MARGIN})


@dataclass(frozen=True, slots=True)
class Charge:
    """What one request takes from one window.

    `name` is the window as callers see it, unique within its owner: `place_order:BTC-USDT`.
    """

    name: str
    capacity: int
    width_us: int
    cost: int = 1


@dataclass(frozen=True, slots=True)
class ChargeTable:
    """Charges with every window widened by `jitter_ms`.

    The widening is how much longer one request may take to OKX than another: without it, requests
    that left in two windows could arrive in one.
    """

    jitter_ms: int

    def of_order(self, endpoint: Endpoint, instrument: Instrument) -> tuple[Charge, ...]:
        """Charges of a request about one order on `instrument`."""
        # OKX counts options by family, everything else by instrument.
        counted_by = (
            instrument.family if instrument.type is InstrumentType.OPTION else instrument.name
        )
        charges = [self._charge(f"{endpoint.name.lower()}:{counted_by}", endpoint.limit)]
        if endpoint.limit.sub_account and instrument.type not in _EXEMPT_FROM_SUB_ACCOUNT:
            charges.append(self._charge("sub_account", SUB_ACCOUNT_LIMIT))
        return tuple(charges)

    def of_read(self, endpoint: Endpoint, kind: InstrumentType | None = None) -> tuple[Charge, ...]:
        """Charges of a request that is not about one order; `kind` where OKX counts by type."""
        name = endpoint.name.lower()
        if endpoint.limit.scope is Scope.ADDRESS_TYPE and kind is not None:
            name = f"{name}:{kind.value}"
        return (self._charge(name, endpoint.limit),)

    def _charge(self, name: str, limit: Limit) -> Charge:
        return Charge(name, limit.count, (limit.window_ms + self.jitter_ms) * 1000)
