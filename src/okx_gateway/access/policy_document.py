"""What does a policy's document say?  Pure.

YAML of a fixed form. A document with anything wrong in it is refused whole, with everything that is
wrong; nothing in it is ignored.
"""

from collections.abc import Iterable
from decimal import Decimal
from typing import Annotated, Any, Literal

import yaml
from pydantic import BaseModel, ConfigDict, Field, StringConstraints, ValidationError

from okx_gateway.access.policy import EVERY, CallerRights, Grant, OrderLimits, Policy
from okx_gateway.domain.money import amount_from_text
from okx_gateway.ledger.caller_shares import CallerShare

DOCUMENT_BYTES_MAX = 1 << 20
_PROBLEMS_MAX = 50

# These are matched by an engine whose $ is the end of the text, and no line end before it.
_Name = Annotated[str, StringConstraints(pattern=r"^[a-z][a-z0-9-]{0,31}$")]
_Call = Annotated[str, StringConstraints(pattern=r"^(\*|[A-Z][A-Za-z]{2,63})$")]
_Pattern = Annotated[
    str, StringConstraints(pattern=r"^(\*|[A-Z0-9][A-Z0-9._-]{0,47}\*?)$"), Field(strict=True)
]
_Currency = Annotated[str, StringConstraints(pattern=r"^[A-Z0-9]{1,16}$")]
_Amount = Annotated[
    str,
    Field(strict=True),
    StringConstraints(pattern=r"^(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?$"),
]
_Revision = Annotated[str, StringConstraints(pattern=r"^[A-Za-z0-9][A-Za-z0-9._:-]{0,63}$")]
_Percent = Annotated[int, Field(ge=0, le=100)]


class PolicyError(Exception):
    """The document is not a policy; `problems` tells everything that is wrong."""

    def __init__(self, problems: Iterable[str]) -> None:
        self.problems = tuple(problems)
        super().__init__("; ".join(self.problems))


class _Part(BaseModel):
    model_config = ConfigDict(frozen=True, extra="forbid", hide_input_in_errors=True)


class _Share(_Part):
    guaranteed_percent: _Percent = Field(
        default=0, description="Percent of every window of OKX's limits kept for the caller."
    )
    maximum_percent: Annotated[int, Field(ge=1, le=100)] = Field(
        default=100, description="Percent of every window that the caller gets at most."
    )


class _Orders(_Part):
    market_orders: bool = Field(default=True, description="Whether market orders are allowed.")
    largest: Annotated[dict[_Currency, _Amount], Field(max_length=100)] = Field(
        default_factory=dict,
        description="What one order may be worth at most, by currency. An order that is worth "
        "another currency is refused, and one for an option. No limit where it is left out.",
        examples=[{"USDT": "50000"}],
    )
    collar_percent: _Amount | None = Field(
        default=None,
        description="How far the price of an order may be from the last price, in percent.",
        examples=["2.5"],
    )


class _Grant(_Part):
    calls: Annotated[list[_Call], Field(min_length=1, max_length=100)] = Field(
        description="Calls about the account by name, such as PlaceOrder; * for all."
    )
    instruments: Annotated[list[_Pattern], Field(min_length=1, max_length=1_000)] = Field(
        description="Instruments that calls may name, such as BTC-USDT or BTC-*; * for all."
    )
    orders: _Orders = Field(default_factory=_Orders, description="What one order may be at most.")


class _Caller(_Part):
    market: Annotated[list[_Call], Field(max_length=100)] = Field(
        default_factory=list, description="Calls about the market by name; * for all."
    )
    accounts: Annotated[dict[_Name, _Grant], Field(max_length=1_000)] = Field(
        default_factory=dict, description="What the caller may do, by account."
    )
    share: _Share | None = Field(
        default=None, description="The caller's share of the rate limits; read at the start."
    )


class PolicyDocument(_Part):
    """What every caller may do. What is not allowed here is denied."""

    version: Literal[1] = Field(description="Of this form of document.")
    revision: _Revision = Field(description="What people, logs and metrics call this policy.")
    mode: Literal["enforce", "dry_run"] = Field(
        default="enforce", description="dry_run lets everything through and counts what it denies."
    )
    callers: Annotated[dict[_Name, _Caller], Field(max_length=1_000)] = Field(
        description="What each caller may do, by its name."
    )


def policy_from_text(
    content: bytes, *, on_account: frozenset[str], on_market: frozenset[str]
) -> Policy:
    """Read a policy; the calls that there are on accounts and on the market are given.

    Raises:
        PolicyError: It is not one; with everything that is wrong.
    """
    if len(content) > DOCUMENT_BYTES_MAX:
        raise PolicyError([f"the document is longer than {DOCUMENT_BYTES_MAX} bytes"])
    try:
        document = PolicyDocument.model_validate(yaml.load(content, _StrictLoader))  # noqa: S506
    except ValidationError as error:
        faults = error.errors(include_url=False, include_input=True, include_context=False)
        raise PolicyError(_told(fault) for fault in faults[:_PROBLEMS_MAX]) from None
    except (yaml.YAMLError, ValueError, TypeError, KeyError, RecursionError) as error:
        # Of a date that there is not, a list for a key, or a word that is no bool, YAML says so.
        raise PolicyError([f"not YAML as a policy is written: {_in_one_line(error)}"]) from None
    problems = [*_unknown_calls(document, on_account, on_market), *_wrong_shares(document)]
    if problems:
        raise PolicyError(problems[:_PROBLEMS_MAX])
    return _policy(document)


def policy_schema() -> dict[str, Any]:
    """The form of the document as a JSON Schema."""
    return PolicyDocument.model_json_schema()


class _StrictLoader(yaml.SafeLoader):
    """Refuses what makes a document say other than it seems to."""

    def compose_node(self, parent: yaml.Node | None, index: int) -> yaml.Node | None:
        if self.check_event(yaml.AliasEvent):
            raise yaml.YAMLError("aliases (*name) are not taken")
        return super().compose_node(parent, index)

    def construct_mapping(self, node: yaml.MappingNode, deep: bool = False) -> dict[Any, Any]:  # noqa: FBT001, FBT002  # as its parent has it
        seen = set()
        for key, _ in node.value:
            if key.value in seen:
                raise yaml.YAMLError(
                    f"{key.value!r} is there twice, line {key.start_mark.line + 1}"
                )
            seen.add(key.value)
        return super().construct_mapping(node, deep)


def _told(fault: Any) -> str:
    path = ".".join(str(each) for each in fault["loc"] if each != "[key]") or "the document"
    given = fault["input"]
    shown = f", not {given!r:.60}" if isinstance(given, str | int | float) else ""
    return f"{path}: {fault['msg'].removeprefix('Value error, ')}{shown}"


def _in_one_line(error: Exception) -> str:
    return " ".join(str(error).split())[:200]


def _unknown_calls(
    document: PolicyDocument, on_account: frozenset[str], on_market: frozenset[str]
) -> Iterable[str]:
    for name, caller in document.callers.items():
        places = [(f"callers.{name}.market", caller.market, on_market)]
        for account, grant in caller.accounts.items():
            places.append((f"callers.{name}.accounts.{account}.calls", grant.calls, on_account))
        for place, calls, known in places:
            for call in calls:
                if call not in known and call != EVERY:
                    listed = ", ".join(sorted(known))
                    yield f"{place}: {call!r} is none of {listed}"


def _wrong_shares(document: PolicyDocument) -> Iterable[str]:
    shares = {name: each.share for name, each in document.callers.items() if each.share}
    for name, share in shares.items():
        if share.guaranteed_percent > share.maximum_percent:
            yield f"callers.{name}.share: guarantees more than its maximum"
    total = sum(share.guaranteed_percent for share in shares.values())
    if total > 100:
        yield f"callers: shares guarantee {total} percent in all, and there are 100"


def _policy(document: PolicyDocument) -> Policy:
    enforced = document.mode == "enforce"
    return Policy(
        document.revision,
        {name: _rights(caller, enforced=enforced) for name, caller in document.callers.items()},
        enforced,
    )


def _rights(caller: _Caller, *, enforced: bool) -> CallerRights:
    share = caller.share
    return CallerRights(
        frozenset(caller.market),
        {
            account: Grant(
                frozenset(grant.calls),
                frozenset(grant.instruments),
                _limits(grant.orders, enforced=enforced),
            )
            for account, grant in caller.accounts.items()
        },
        CallerShare(share.guaranteed_percent, share.maximum_percent) if share else None,
    )


def _limits(orders: _Orders, *, enforced: bool) -> OrderLimits:
    return OrderLimits(
        orders.market_orders,
        {currency: amount_from_text(amount) for currency, amount in orders.largest.items()},
        Decimal(orders.collar_percent) if orders.collar_percent is not None else None,
        enforced,
    )
