"""Which keys does an issuer sign with?  Touches the file that holds them.

Read again when it changes; where it cannot be read, the keys stay as they were.
"""

import asyncio
from pathlib import Path

import structlog

from okx_gateway.access.jwt_token import Jwk, keys_from_text

_LOG = structlog.get_logger()
_LOOK_EVERY_S = 1.0
_FILE_BYTES_MAX = 256 << 10


class JwksFile:
    """The keys in the file at `path`."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._keys: dict[str, Jwk] = {}
        self._content = b""

    async def key(self, key_id: str) -> Jwk | None:
        """The key of this id."""
        return self._keys.get(key_id)

    async def keep(self) -> None:
        """Read it now, and again when it has changed, for ever."""
        told = ""
        while True:
            fault = await asyncio.to_thread(self._read)
            if fault and fault != told:
                _LOG.error("keys of an issuer are not read", path=str(self._path), because=fault)
            told = fault
            await asyncio.sleep(_LOOK_EVERY_S)

    def _read(self) -> str:
        """Read it; what is wrong with it, empty where nothing is."""
        try:
            with self._path.open("rb") as file:
                content = file.read(_FILE_BYTES_MAX)
            if content != self._content:
                self._keys = keys_from_text(content)
                self._content = content
        except OSError as error:
            return error.strerror or "cannot be read"
        except ValueError as error:
            return str(error)
        return ""
