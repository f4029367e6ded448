from contextlib import ExitStack
from functools import partial

import pytest

from okx_gateway.domain.errors import OverloadedError, StoppingError
from okx_gateway.edge.admission import Admission

READ, PLACE = "GetOrder", "PlaceOrder"


def test_calls_and_streams_have_bounds_of_their_own() -> None:
    admission = Admission(calls_max=2, streams_max=1)
    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(admission.call(READ))
        running.enter_context(admission.stream())
        with pytest.raises(OverloadedError, match="limit of 2 calls"), admission.call(READ):
            pass
        with pytest.raises(OverloadedError, match="limit of 1 streams"), admission.stream():
            pass
    with admission.call(READ), admission.call(READ), admission.stream():
        pass


def test_a_call_that_fails_gives_its_place_back() -> None:
    admission = Admission(calls_max=1, streams_max=1)
    for _ in range(5):
        with pytest.raises(ValueError, match="a defect"), admission.call(READ):
            raise ValueError("a defect")
    with admission.call(READ):
        pass


def test_a_call_that_was_refused_takes_no_place() -> None:
    admission = Admission(calls_max=1, streams_max=0)
    for _ in range(3):
        with pytest.raises(OverloadedError), admission.stream():
            pass
    with admission.call(READ):
        pass


def test_once_closed_nothing_new_is_let_in_and_what_runs_goes_on() -> None:
    admission = Admission(calls_max=2, streams_max=2)
    with admission.call(READ):
        before = admission.closed
        admission.close()
        assert (before, admission.closed) == (False, True)
        for enter in (partial(admission.call, READ), admission.stream):
            with pytest.raises(StoppingError), enter():
                pass


def test_a_flood_of_orders_leaves_room_for_cancels() -> None:
    admission = Admission(calls_max=20, streams_max=1)
    with ExitStack() as running:
        for _ in range(18):
            running.enter_context(admission.call(PLACE))
        with pytest.raises(OverloadedError, match="limit of 18 orders"), admission.call(PLACE):
            pass
        for _ in range(2):
            running.enter_context(admission.call("CancelOrder"))
        with pytest.raises(OverloadedError, match="limit of 20 calls"), admission.call(READ):
            pass
