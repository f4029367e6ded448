"""What is a REST endpoint, and what does a call of it bring along? Pure."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from typing import Any, Literal, TypeAlias

from okx_simulator.account.accounts_file import ApiKey, Permission
from okx_simulator.answer import Ack
from okx_simulator.exchange import Exchange
from okx_simulator.rest.param import Params

Method: TypeAlias = Literal["GET", "POST"]


@dataclass(frozen=True, slots=True)
class Call:
    """A request that passed all checks at the gate.

    `params` is the query or the body; `elements` are the objects of the body, one unless the
    endpoint takes a batch. `refusals` name the elements over a rate limit. `uid` and `key` tell
    who signed; they are empty on public endpoints. `in_us` is when the call came in, `exp_ms` the
    deadline that its header sets.
    """

    params: Params
    elements: Sequence[Params]
    in_us: int
    uid: str = ""
    key: ApiKey | None = None
    exp_ms: int | None = None
    refusals: Sequence[str | None] = field(default=())

    @property
    def now_ms(self) -> int:
        """When the call came in, in ms since the epoch."""
        return self.in_us // 1_000


Rows: TypeAlias = Sequence[Any]
Answer: TypeAlias = Callable[[Exchange, Call], Rows | Ack]


@dataclass(frozen=True, slots=True)
class Endpoint:
    """One path: how it is called, what permission it needs (None: public), and its answer.

    `answer` returns the rows of `data`, or an ack of orders. `may_expire` says whether the header
    `expTime` counts, which it does for placing and amending only.

    Raises from `answer`:
        RefusedError: The call is refused as a whole.
    """

    method: Method
    path: str
    permission: Permission | None
    answer: Answer
    takes_batch: bool = False
    may_expire: bool = False


def public(path: str, answer: Answer) -> Endpoint:
    """Return an endpoint that needs no key."""
    return Endpoint("GET", f"/api/v5{path}", None, answer)


def reading(path: str, answer: Answer) -> Endpoint:
    """Return an endpoint that any key may read."""
    return Endpoint("GET", f"/api/v5{path}", "read_only", answer)


def trading(
    path: str, answer: Answer, *, takes_batch: bool = False, may_expire: bool = False
) -> Endpoint:
    """Return an endpoint that changes something and needs the trade permission."""
    return Endpoint("POST", f"/api/v5{path}", "trade", answer, takes_batch, may_expire)
