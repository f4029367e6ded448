import pytest

from okx_gateway.domain.order import Conflict, NotPlaced, Outcome, Placed, Refused
from okx_gateway.domain.placing import FINAL, PLACING, Event, State, after, state_of


def test_no_final_state_has_a_way_out_and_every_other_one_has() -> None:
    left = {state for state, _ in PLACING}
    assert left == set(State) - FINAL


def test_every_state_is_reached_and_every_event_happens() -> None:
    assert {step.to for step in PLACING.values()} | {State.NEW} == set(State)
    assert {event for _, event in PLACING} == set(Event)


LOOKED_FIRST = {Event.FOUND_UNKNOWN, Event.FOUND_UNKNOWN_OTHER}
HAPPENS = {
    State.NEW: {Event.ADMITTED, Event.NOT_ADMITTED, *LOOKED_FIRST},
    # One for each thing that one attempt to write can come to, and one for its replica's end.
    State.SENDING: {
        *(Event.ACCEPTED, Event.REFUSED, Event.UNSENT, Event.SLOT_MISSED, Event.NO_PROOF),
        *(Event.TURNED_AWAY, Event.CRASHED),
    },
    # One for each thing that looking can tell.
    State.DOUBT: {
        *(Event.FOUND, Event.FOUND_OTHER, Event.FOUND_OTHER_EARLY),
        *(Event.ABSENT, Event.ABSENT_PROVEN, Event.NOT_TOLD, Event.FORGOTTEN),
    },
}


@pytest.mark.parametrize("event", Event)
@pytest.mark.parametrize("state", State)
def test_what_can_happen_leads_somewhere_and_everything_else_is_refused(
    state: State, event: Event
) -> None:
    if event in HAPPENS.get(state, set()):
        assert after(state, event) is PLACING[state, event]
    else:
        with pytest.raises(ValueError, match="cannot happen"):
            after(state, event)


def test_a_caller_is_told_of_everything_but_of_what_goes_on() -> None:
    silent = {step.to for step in PLACING.values() if not step.told or not step.status}
    assert silent == {State.SENDING}
    assert not any(
        step.told or step.status for step in PLACING.values() if step.to is State.SENDING
    )


def test_one_end_has_one_status_and_no_other_has_the_same() -> None:
    ends: dict[State, set[str]] = {}
    for step in PLACING.values():
        if step.to in FINAL:
            ends.setdefault(step.to, set()).add(step.status)
    assert [len(statuses) for statuses in ends.values()] == [1] * len(FINAL)
    assert len(set.union(*ends.values())) == len(FINAL)


def test_only_before_the_first_byte_an_id_becomes_free_again() -> None:
    back = {(state, event) for (state, event), step in PLACING.items() if step.to is State.NEW}
    assert back == {
        (State.NEW, Event.NOT_ADMITTED),
        (State.NEW, Event.FOUND_UNKNOWN_OTHER),
        (State.SENDING, Event.UNSENT),
    }


def test_only_where_okx_did_nothing_it_is_sent_again() -> None:
    again = [event for (_, event), step in PLACING.items() if step.to is State.SENDING]
    assert again == [Event.ADMITTED, Event.SLOT_MISSED, Event.TURNED_AWAY]
    assert "not one byte" in Event.SLOT_MISSED
    assert "provably did not take it" in Event.TURNED_AWAY


def test_doubt_ends_by_proof_alone() -> None:
    ends = {
        event
        for (state, event), step in PLACING.items()
        if state is State.DOUBT and step.to in FINAL
    }
    assert ends == {Event.FOUND, Event.FOUND_OTHER, Event.ABSENT_PROVEN}


@pytest.mark.parametrize(
    ("outcome", "state"),
    [
        (Placed("7", 1), State.PLACED),
        (Refused("51008", ""), State.REFUSED),
        (NotPlaced(), State.NOT_PLACED),
        (Conflict("side"), State.CONFLICT),
        (None, State.DOUBT),
    ],
)
def test_a_row_is_in_the_state_of_its_outcome(outcome: Outcome | None, state: State) -> None:
    assert state_of(outcome) is state
