"""How does the journal know that a row is the gateway's own?  Pure.

A MAC under a key that is derived from the vault key, which all replicas hold and Redis never sees:
who can write to Redis can destroy rows and cannot make one.
"""

import hashlib
import hmac
from typing import NoReturn

from okx_gateway.custody.vault_key import VaultKey

_TAG_LENGTH_BYTES = 16


class JournalSeal:
    """Makes and checks the tags of rows; prints no key."""

    __slots__ = ("_key",)

    def __init__(self, vault_key: VaultKey) -> None:
        self._key = vault_key.derive(b"okx-gateway journal seal")

    def tag(self, *parts: str) -> str:
        """The tag of `parts`, of which no other parts have the same: hexadecimal."""
        message = "".join(f"{len(part)}:{part}" for part in parts).encode()
        return hmac.digest(self._key, message, hashlib.sha256)[:_TAG_LENGTH_BYTES].hex()

    def is_genuine(self, tag: str, *parts: str) -> bool:
        """Whether `tag` is that of `parts`."""
        return hmac.compare_digest(tag.encode(), self.tag(*parts).encode())

    def __repr__(self) -> str:
        return "<journal seal>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a journal seal cannot be pickled or copied")
