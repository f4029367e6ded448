import asyncio
import ssl
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from structlog.testing import capture_logs

from okx_gateway.edge import tls_files
from okx_gateway.edge.tls_files import TlsFiles
from tests.support.identities import Authority


@asynccontextmanager
async def serving(files: TlsFiles) -> AsyncIterator[int]:
    async def greet(_: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        writer.write(b"x")
        writer.close()

    server = await asyncio.start_server(greet, "127.0.0.1", 0, ssl=files.context)
    keeping = asyncio.create_task(files.keep_in_force())
    try:
        async with server:
            yield server.sockets[0].getsockname()[1]
    finally:
        keeping.cancel()


async def met(port: int, trusted: Authority, version: ssl.TLSVersion | None = None) -> bool:
    """Whether a client that trusts this authority is served."""
    context = ssl.create_default_context(cadata=trusted.certificate.decode())
    if version is not None:
        context.maximum_version = version
    try:
        reader, writer = await asyncio.open_connection("127.0.0.1", port, ssl=context)
        served = await reader.read(1) == b"x"
        writer.close()
    except OSError:
        return False
    return served


async def test_new_files_are_shown_and_broken_ones_are_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(tls_files, "_LOOK_EVERY_S", 0.01)
    first, second = Authority(), Authority()
    certificate, key = first.issue("127.0.0.1").write(tmp_path, "server")
    with capture_logs() as logs:
        async with serving(TlsFiles(certificate, key, None)) as port:
            assert await met(port, first)
            assert await met(port, first, ssl.TLSVersion.TLSv1_2)
            shown = second.issue("127.0.0.1")
            certificate.write_bytes(shown.certificate)
            await asyncio.sleep(0.1)
            # The key is still the one of the first.
            assert await met(port, first)
            assert not await met(port, second)
            key.write_bytes(shown.key)
            await asyncio.sleep(0.1)
            assert await met(port, second)
            assert not await met(port, first)
    assert [each["log_level"] for each in logs] == ["error", "info"]


def test_files_that_do_not_go_together_are_refused(tmp_path: Path) -> None:
    certificate, key = Authority().issue("127.0.0.1").write(tmp_path, "server")
    _, other = Authority().issue("127.0.0.1").write(tmp_path, "other")
    for broken in (
        (certificate, other, None),
        (certificate, tmp_path / "none", None),
        (key, key, None),
        (certificate, key, key),
    ):
        with pytest.raises(OSError, match=r"."):
            TlsFiles(*broken)


def test_a_key_with_a_password_is_refused_without_asking(tmp_path: Path) -> None:
    certificate, key = Authority().issue("127.0.0.1").write(tmp_path, "server")
    loaded = serialization.load_pem_private_key(key.read_bytes(), None)
    key.write_bytes(
        loaded.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.BestAvailableEncryption(b"password"),
        )
    )
    with pytest.raises(OSError, match="needs a password"):
        TlsFiles(certificate, key, None)
