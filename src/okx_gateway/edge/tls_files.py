"""With which certificate do the gateway's own ports show themselves?  Touches files, ssl and grpc.

The files are read again when they change, for all connections from then on. Files that do not go
together change nothing, and that is told.
"""

import asyncio
import ssl
from pathlib import Path

import grpc
import structlog

from okx_gateway import metric

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 0.5
_FILE_BYTES_MAX = 1 << 20


class TlsFiles:
    """A certificate, its key, and where clients show theirs too the authority of those.

    gRPC then takes no connection without a certificate. REST does, so that probes reach the state
    of health: whoever shows none there needs a token.

    Raises:
        OSError: The files cannot be read, or do not go together (ssl.SSLError).
    """

    def __init__(self, certificate: Path, key: Path, client_ca: Path | None) -> None:
        self._certificate, self._key, self._client_ca = certificate, key, client_ca
        self._contents = self._read()
        self._current = self._context()
        self._grpc = self._grpc_configuration(self._contents)
        self._served = self._context()
        # What a connection is served with is chosen when it begins; the served one stays the same.
        self._served.sni_callback = self._choose

    @property
    def context(self) -> ssl.SSLContext:
        """For servers that speak TLS through ssl."""
        return self._served

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """For servers of grpc."""
        return grpc.dynamic_ssl_server_credentials(
            self._grpc,
            lambda: self._grpc,
            require_client_authentication=self._client_ca is not None,
        )

    async def keep_in_force(self) -> None:
        """Look again and again whether the files have changed, for ever."""
        told = ""
        while True:
            await asyncio.sleep(_LOOK_EVERY_S)
            try:
                if not await asyncio.to_thread(self._look):
                    continue
            except OSError as error:
                # Once for each fault: of two files, one may be there before the other.
                if str(error) != told:
                    told = str(error)
                    metric.certificate_read("refused")
                    _LOG.error("the certificate stays as it was", because=told)
                continue
            told = ""
            metric.certificate_read("taken")
            _LOG.info("certificate", path=str(self._certificate))

    def _look(self) -> bool:
        contents = self._read()
        if contents == self._contents:
            return False
        context = self._context()
        # Both ways in change together, and only to what was checked.
        if self._read() != contents:
            return False
        self._current, self._grpc = context, self._grpc_configuration(contents)
        self._contents = contents
        return True

    def _read(self) -> tuple[bytes, bytes, bytes]:
        paths = (self._certificate, self._key, self._client_ca)
        certificate, key, client_ca = (_content(path) if path else b"" for path in paths)
        return certificate, key, client_ca

    def _context(self) -> ssl.SSLContext:
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        # A session that is taken up again would not show its certificate again.
        context.options |= ssl.OP_NO_TICKET | ssl.OP_NO_RENEGOTIATION
        context.num_tickets = 0
        context.load_cert_chain(self._certificate, self._key, password=_no_password)
        if self._client_ca is not None:
            context.load_verify_locations(self._client_ca)
            context.verify_mode = ssl.CERT_OPTIONAL
        return context

    def _grpc_configuration(
        self, contents: tuple[bytes, bytes, bytes]
    ) -> grpc.ServerCertificateConfiguration:
        certificate, key, client_ca = contents
        return grpc.ssl_server_certificate_configuration(
            [(key, certificate)], root_certificates=client_ca or None
        )

    def _choose(self, connection: ssl.SSLObject, _name: str | None, _: ssl.SSLContext) -> None:
        connection.context = self._current


def _no_password() -> str:
    raise OSError("the key needs a password, and none can be given")


def _content(path: Path) -> bytes:
    with path.open("rb") as file:
        content = file.read(_FILE_BYTES_MAX + 1)
    if len(content) > _FILE_BYTES_MAX:
        raise OSError(f"{path} is larger than {_FILE_BYTES_MAX} bytes")
    return content
