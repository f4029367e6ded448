"""Which identities are in force?  Touches the file that names them, and reads it again.

A file that cannot be read, or has anything wrong in it, changes nothing: the last good one stays
in force, and that is told.
"""

import asyncio
from collections.abc import Mapping
from pathlib import Path
from typing import Protocol

import structlog

from okx_gateway import metric
from okx_gateway.access.identity import Headers, Identities, KeySource
from okx_gateway.access.identity_document import (
    DOCUMENT_BYTES_MAX,
    IdentityDocument,
    IdentityError,
    Issuer,
    Section,
    document_from_text,
)
from okx_gateway.access.jwks_file import JwksFile
from okx_gateway.access.jwks_http import JwksHttp

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 0.5


class _KeptSource(KeySource, Protocol):
    async def keep(self) -> None:
        """Keep the keys as they are at the issuer's, for ever."""


class IdentityFile:
    """The identities in the file at `path`; used in one event loop."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._content = b""
        self._told = ""
        self._sources: dict[Issuer, tuple[_KeptSource, asyncio.Task[None]]] = {}
        self._callers = self._operators = Identities(Section(), {})

    async def caller_of(self, headers: Headers, certificate: bytes | None) -> str:
        """Tell which caller it is.

        Raises:
            UnauthenticatedError: It is none.
        """
        return await self._callers.name_of(headers, certificate)

    async def operator_of(self, headers: Headers, certificate: bytes | None) -> str:
        """Tell which operator it is.

        Raises:
            UnauthenticatedError: It is none.
        """
        return await self._operators.name_of(headers, certificate)

    def read(self) -> None:
        """Read it for the first time.

        Raises:
            IdentityError: It cannot be read, or has something wrong in it; says what.
        """
        self._content = self._read()
        self._take(document_from_text(self._content))

    async def keep_in_force(self) -> None:
        """Look again and again whether there is another, for ever."""
        try:
            while True:
                await asyncio.sleep(_LOOK_EVERY_S)
                await self._look()
        finally:
            for _, task in self._sources.values():
                task.cancel()

    async def _look(self) -> None:
        try:
            content = await asyncio.to_thread(self._read)
            if content == self._content:
                return
            self._content = content
            self._take(await asyncio.to_thread(document_from_text, content))
        except IdentityError as error:
            # Once for each state of the file.
            if str(error) != self._told:
                self._told = str(error)
                metric.identities_read("refused")
                _LOG.error("the identities stay as they were", problems=error.problems)
            return
        self._told = ""
        metric.identities_read("taken")
        _LOG.info("identities", path=str(self._path))

    def _take(self, document: IdentityDocument) -> None:
        issuers = {each for part in (document.callers, document.operators) for each in part.jwt}
        for issuer in self._sources.keys() - issuers:
            self._sources.pop(issuer)[1].cancel()
        for issuer in issuers - self._sources.keys():
            source: _KeptSource = (
                JwksFile(issuer.jwks_path) if issuer.jwks_path else JwksHttp(issuer)
            )
            task = asyncio.get_running_loop().create_task(source.keep())
            self._sources[issuer] = source, task
        self._callers = Identities(document.callers, self._keys_of(document.callers.jwt))
        self._operators = Identities(document.operators, self._keys_of(document.operators.jwt))

    def _keys_of(self, issuers: tuple[Issuer, ...]) -> Mapping[str, KeySource]:
        return {each.issuer: self._sources[each][0] for each in issuers}

    def _read(self) -> bytes:
        try:
            with self._path.open("rb") as file:
                return file.read(DOCUMENT_BYTES_MAX + 1)
        except OSError as error:
            raise IdentityError([f"cannot read {self._path}: {error.strerror}"]) from None
