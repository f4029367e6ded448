from okx_gateway.domain.access_errors import UnauthenticatedError
from okx_gateway.domain.errors import CallerError


def test_it_says_what_to_do_and_nothing_of_what_was_wrong() -> None:
    error = UnauthenticatedError()
    assert isinstance(error, CallerError)
    assert "show one valid token or certificate" in error.message
    assert error.metadata == {}
