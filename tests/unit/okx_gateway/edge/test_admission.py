from contextlib import ExitStack

import pytest

from okx_gateway.domain.errors import OverloadedError, StoppingError
from okx_gateway.edge.admission import Admission


def test_calls_and_streams_have_bounds_of_their_own() -> None:
    admission = Admission(calls_max=2, streams_max=1)
    with ExitStack() as running:
        for _ in range(2):
            running.enter_context(admission.call())
        running.enter_context(admission.stream())
        with pytest.raises(OverloadedError, match="limit of 2 calls"), admission.call():
            pass
        with pytest.raises(OverloadedError, match="limit of 1 streams"), admission.stream():
            pass
    with admission.call(), admission.call(), admission.stream():
        pass


def test_a_call_that_fails_gives_its_place_back() -> None:
    admission = Admission(calls_max=1, streams_max=1)
    for _ in range(5):
        with pytest.raises(ValueError, match="a defect"), admission.call():
            raise ValueError("a defect")
    with admission.call():
        pass


def test_a_call_that_was_refused_takes_no_place() -> None:
    admission = Admission(calls_max=1, streams_max=0)
    for _ in range(3):
        with pytest.raises(OverloadedError), admission.stream():
            pass
    with admission.call():
        pass


def test_once_closed_nothing_new_is_let_in_and_what_runs_goes_on() -> None:
    admission = Admission(calls_max=2, streams_max=2)
    with admission.call():
        before = admission.closed
        admission.close()
        assert (before, admission.closed) == (False, True)
        for enter in (admission.call, admission.stream):
            with pytest.raises(StoppingError), enter():
                pass
