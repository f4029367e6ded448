"""When was something last asked of OKX that may change what an account holds?"""

from okx_gateway.domain.order import Placed
from okx_gateway.okx.amend_verdict import AmendTaken, AmendVerdict
from okx_gateway.okx.verdict import CancelTaken, CancelVerdict, InDoubt, PlaceVerdict


class LastWrite:
    """By account, in ms of OKX's clock; of this replica alone.

    A write may show in what the account's channel tells from then on, and in nothing before.
    """

    def __init__(self) -> None:
        self._at_ms: dict[str, int] = {}

    def note(
        self, account: str, judged: PlaceVerdict | AmendVerdict | CancelVerdict, *, sent_ms: int
    ) -> None:
        """Take what became of a write, which OKX received at `sent_ms` at the earliest."""
        match judged:
            case Placed() | AmendTaken() if judged.receive_us:
                at_ms = judged.receive_us // 1000
            case Placed() | AmendTaken() | CancelTaken() | InDoubt():
                at_ms = sent_ms
            case _:
                return
        self._at_ms[account] = max(at_ms, self.at_ms(account))

    def at_ms(self, account: str) -> int:
        """When; 0 where nothing was written to it."""
        return self._at_ms.get(account, 0)
