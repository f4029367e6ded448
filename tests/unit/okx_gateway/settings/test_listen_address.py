import pytest

from okx_gateway.settings.listen_address import ListenAddress, is_loopback, parse_listen_address


@pytest.mark.parametrize(
    ("text", "host", "port", "loopback"),
    [
        ("127.0.0.1:50051", "127.0.0.1", 50051, True),
        ("127.8.0.1:1", "127.8.0.1", 1, True),
        ("localhost:0", "localhost", 0, True),
        ("[::1]:8080", "::1", 8080, True),
        ("[::]:8080", "::", 8080, False),
        ("0.0.0.0:65535", "0.0.0.0", 65535, False),
        ("10.0.0.7:8080", "10.0.0.7", 8080, False),
        ("gateway.internal:8080", "gateway.internal", 8080, False),
    ],
)
def test_an_address_reads_and_writes(text: str, host: str, port: int, *, loopback: bool) -> None:
    address = parse_listen_address(text)
    assert address == ListenAddress(host, port)
    assert address.loopback is loopback
    assert str(address) == text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "8080",
        ":8080",
        "host",
        "host:",
        "host:65536",
        "host:8o8o",
        "::1:8080",
        "[::g]:1",
        "a b:1",
        "[127.0.0.1]:1",
        "host:80\n",
        "host:\uff11",
    ],
)
def test_anything_else_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match="must"):
        parse_listen_address(text)


def test_a_name_that_only_begins_like_this_machine_is_another() -> None:
    assert not is_loopback("localhost.evil.example")
    assert not is_loopback("127.0.0.1.evil.example")
