import socket
import ssl
import threading
from pathlib import Path

import pytest
from cryptography import x509

from okx_simulator.tls import server_context


@pytest.mark.parametrize("name", ["localhost", "127.0.0.1", "::1", "okx-simulator"])
def test_a_client_that_trusts_the_file_can_verify_the_server(tmp_path: Path, name: str) -> None:
    authority_path = tmp_path / "authority.pem"
    server_tls = server_context("okx-simulator", authority_path)
    client_tls = ssl.create_default_context(cafile=str(authority_path))
    near, far = socket.socketpair()
    far.settimeout(10)
    near.settimeout(10)

    def serve() -> None:
        with server_tls.wrap_socket(far, server_side=True) as peer:
            peer.sendall(b"hello")

    thread = threading.Thread(target=serve)
    thread.start()
    with client_tls.wrap_socket(near, server_hostname=name) as peer:
        assert peer.recv(5) == b"hello"
    thread.join(10)


def test_every_start_makes_another_authority(tmp_path: Path) -> None:
    for name in ("one", "two"):
        server_context("127.0.0.1", tmp_path / name)
    assert (tmp_path / "one").read_bytes() != (tmp_path / "two").read_bytes()


def test_the_file_holds_an_authority_and_no_key(tmp_path: Path) -> None:
    server_context("127.0.0.1", tmp_path / "authority.pem")
    written = (tmp_path / "authority.pem").read_bytes()
    (certificate,) = x509.load_pem_x509_certificates(written)
    constraints = certificate.extensions.get_extension_for_class(x509.BasicConstraints)
    assert constraints.value.ca
    assert b"PRIVATE" not in written


def test_a_file_that_cannot_be_written_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(OSError, match="missing"):
        server_context("127.0.0.1", tmp_path / "missing" / "authority.pem")
