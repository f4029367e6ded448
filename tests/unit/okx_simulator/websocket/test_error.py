import pytest

from okx_simulator.websocket.error import CLOSE_REASONS, CloseCode, error_event, text_of


def test_texts_of_sockets_and_of_rest_are_known() -> None:
    assert text_of("60019", "jump") == "Invalid op: jump"
    assert text_of("50011") == "Too Many Requests"
    assert text_of("99999") == ""


def test_an_error_event_carries_the_id_only_if_there_was_one() -> None:
    assert error_event("60011", "Please log in", "", "c1") == {
        "event": "error",
        "code": "60011",
        "msg": "Please log in",
        "connId": "c1",
    }
    assert error_event("60011", "Please log in", "7", "c1")["id"] == "7"


@pytest.mark.parametrize("code", list(CloseCode))
def test_close_reasons_fit_into_a_close_frame(code: CloseCode) -> None:
    assert len(CLOSE_REASONS[code].encode()) <= 123
