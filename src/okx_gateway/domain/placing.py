"""How does the placing of an order go from state to state?  A table, pure.

`PLACING` is the whole protocol: the code that places and resolves orders takes its next state from
here, and so does the diagram in the documents.
"""

from dataclasses import dataclass
from enum import StrEnum

from okx_gateway.domain.order import Conflict, NotPlaced, Outcome, Placed, Refused


class State(StrEnum):
    """What is on record of a client order id, and what is known."""

    NEW = "new"
    SENDING = "sending"
    DOUBT = "doubt"
    PLACED = "placed"
    REFUSED = "refused"
    NOT_PLACED = "not_placed"
    CONFLICT = "conflict"


FINAL = frozenset({State.PLACED, State.REFUSED, State.NOT_PLACED, State.CONFLICT})


class Event(StrEnum):
    """What happens to it."""

    ADMITTED = "admitted with a slot and an expiry"
    NOT_ADMITTED = "no room, no time, no ledger, no clock"
    FOUND_UNKNOWN = "looked up first, OKX has it, equal"
    FOUND_UNKNOWN_OTHER = "looked up first, OKX has another"
    ACCEPTED = "accepted with OKX's id"
    REFUSED = "refused by a code that proves absence"
    UNSENT = "provably not one byte written"
    SLOT_MISSED = "slot passed, not one byte written"
    TURNED_AWAY = "the socket provably did not take it, REST may"
    NO_PROOF = "anything else, or nothing at all"
    CRASHED = "its replica is gone"
    FOUND = "found at OKX, equal"
    FOUND_OTHER = "found at OKX, not equal, too late for it to come"
    FOUND_OTHER_EARLY = "found at OKX, not equal, while it may come"
    ABSENT = "not found, proof not complete"
    ABSENT_PROVEN = "not found, proof complete"
    NOT_TOLD = "OKX does not tell"
    FORGOTTEN = "not found, later than OKX remembers"


@dataclass(frozen=True, slots=True)
class Transition:
    """Where an event leads; what the caller is told, and the gRPC status that tells it."""

    to: State
    told: str
    status: str


PLACING: dict[tuple[State, Event], Transition] = {
    (State.NEW, Event.ADMITTED): Transition(State.SENDING, "", ""),
    (State.NEW, Event.NOT_ADMITTED): Transition(
        State.NEW, "nothing was sent", "RESOURCE_EXHAUSTED, DEADLINE_EXCEEDED or UNAVAILABLE"
    ),
    (State.NEW, Event.FOUND_UNKNOWN): Transition(State.PLACED, "placed, replayed", "OK"),
    (State.NEW, Event.FOUND_UNKNOWN_OTHER): Transition(
        State.NEW, "the id was used for another order", "ALREADY_EXISTS"
    ),
    (State.SENDING, Event.ACCEPTED): Transition(State.PLACED, "placed", "OK"),
    (State.SENDING, Event.REFUSED): Transition(
        State.REFUSED, "OKX does not have it", "FAILED_PRECONDITION"
    ),
    (State.SENDING, Event.UNSENT): Transition(State.NEW, "nothing was sent", "UNAVAILABLE"),
    (State.SENDING, Event.SLOT_MISSED): Transition(State.SENDING, "", ""),
    (State.SENDING, Event.TURNED_AWAY): Transition(State.SENDING, "", ""),
    (State.SENDING, Event.NO_PROOF): Transition(
        State.DOUBT, "OKX may or may not have it", "UNKNOWN, if the deadline comes first"
    ),
    (State.SENDING, Event.CRASHED): Transition(
        State.DOUBT, "OKX may or may not have it", "UNKNOWN or UNAVAILABLE of the connection"
    ),
    (State.DOUBT, Event.FOUND): Transition(State.PLACED, "placed", "OK"),
    (State.DOUBT, Event.FOUND_OTHER): Transition(
        State.CONFLICT, "OKX has another order under the id", "INTERNAL"
    ),
    (State.DOUBT, Event.FOUND_OTHER_EARLY): Transition(
        State.DOUBT, "OKX may or may not have it", "UNKNOWN"
    ),
    (State.DOUBT, Event.ABSENT): Transition(State.DOUBT, "OKX may or may not have it", "UNKNOWN"),
    (State.DOUBT, Event.ABSENT_PROVEN): Transition(
        State.NOT_PLACED, "OKX never had it and cannot get it", "ABORTED"
    ),
    (State.DOUBT, Event.NOT_TOLD): Transition(State.DOUBT, "OKX may or may not have it", "UNKNOWN"),
    (State.DOUBT, Event.FORGOTTEN): Transition(
        State.DOUBT, "OKX may or may not have had it", "UNKNOWN; an operator looks"
    ),
}


def after(state: State, event: Event) -> Transition:
    """Where `event` leads from `state`.

    Raises:
        ValueError: It cannot happen there.
    """
    transition = PLACING.get((state, event))
    if transition is None:
        raise ValueError(f"{event.name} cannot happen to an order that is {state}")
    return transition


def state_of(outcome: Outcome | None) -> State:
    """The state that a row with this outcome is in."""
    match outcome:
        case Placed():
            return State.PLACED
        case Refused():
            return State.REFUSED
        case NotPlaced():
            return State.NOT_PLACED
        case Conflict():
            return State.CONFLICT
        case None:
            return State.DOUBT
