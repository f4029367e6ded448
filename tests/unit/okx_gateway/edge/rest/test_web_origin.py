"""Is a web page told from a program, and ours from one of others?"""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.edge.rest.web_origin import origin_violation


@pytest.mark.parametrize(
    ("origin", "host", "loopback"),
    [
        ("", "anything.example", True),
        ("http://localhost:8080", "localhost:8080", True),
        ("http://LOCALHOST:8080", "localhost:8080", True),
        ("http://127.0.0.1", "127.0.0.1", True),
        ("http://[::1]:8080", "[::1]:8080", True),
        ("https://gateway.example", "gateway.example", False),
    ],
)
def test_programs_and_our_own_pages_may_call(origin: str, host: str, loopback: bool) -> None:  # noqa: FBT001  # a parameter of the test
    assert origin_violation(origin, host, loopback=loopback) is None


@pytest.mark.parametrize(
    ("origin", "host", "loopback", "words"),
    [
        ("http://evil.example", "localhost:8080", True, "must be the gateway's own"),
        ("http://localhost:3000", "localhost:8080", True, "must be the gateway's own"),
        ("http://localhost:8080@evil.example", "localhost:8080", True, "the gateway's own"),
        ("https://evil.example", "gateway.example", False, "must be the gateway's own"),
        ("null", "localhost:8080", True, "must be the gateway's own"),
        ("null", "", True, "must name localhost or an address"),
        ("http://rebound.example", "rebound.example", True, "must name localhost or an address"),
        ("http://localhost.example", "localhost.example", True, "must name localhost"),
        ("http://[::1", "[::1", True, "must be an origin"),
    ],
)
def test_pages_of_others_may_not(origin: str, host: str, loopback: bool, words: str) -> None:  # noqa: FBT001  # a parameter of the test
    violation = origin_violation(origin, host, loopback=loopback)
    assert violation is not None
    assert violation.field == "origin"
    assert words in violation.description


@given(st.text(min_size=1), st.text(), st.booleans())
def test_garbage_is_judged_without_failing(origin: str, host: str, loopback: bool) -> None:  # noqa: FBT001  # a parameter of the test
    origin_violation(origin, host, loopback=loopback)
