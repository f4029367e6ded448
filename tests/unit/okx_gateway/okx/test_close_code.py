import pytest

from okx_gateway.okx.close_code import Reaction, reaction_to_close, reaction_to_login


@pytest.mark.parametrize("code", [None, 1000, 1001, 1006, 1012, 4004, 4005, 4006, 4007, 4999])
def test_most_closes_are_followed_by_a_new_connection(code: int | None) -> None:
    assert reaction_to_close(code) is Reaction.RECONNECT


@pytest.mark.parametrize("code", [1009, 4001, 4002])
def test_what_would_come_again_at_once_is_tried_slowly(code: int) -> None:
    assert reaction_to_close(code) is Reaction.RECONNECT_SLOWLY


@pytest.mark.parametrize("code", [4003, 4008, 4009])
def test_too_many_channels_lead_to_fewer(code: int) -> None:
    assert reaction_to_close(code) is Reaction.FEWER_CHANNELS


@pytest.mark.parametrize("code", ["60005", "60007", "60009", "60024", "60032", "50101", "50110"])
def test_a_login_that_the_credential_does_not_allow_is_tried_slowly(code: str) -> None:
    assert reaction_to_login(code) is Reaction.RECONNECT_SLOWLY


@pytest.mark.parametrize("code", ["60006", "60014", "63999"])
def test_a_login_that_may_come_good_is_tried_soon(code: str) -> None:
    assert reaction_to_login(code) is Reaction.RECONNECT


def test_what_is_not_known_of_a_login_is_tried_slowly() -> None:
    assert reaction_to_login("69999") is Reaction.RECONNECT_SLOWLY
