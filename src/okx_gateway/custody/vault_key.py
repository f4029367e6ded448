"""What are the records of a vault locked with?  Pure.

One key wraps the data keys of all records, so a key service can take its place without the records
being sealed anew.
"""

import base64
import binascii
import hashlib
import hmac
import os
from typing import NoReturn

from cryptography.exceptions import InvalidTag
from cryptography.hazmat.primitives.ciphers.aead import AESGCM

KEY_LENGTH_BYTES = 32
# The length that GCM is specified for (NIST SP 800-38D); drawn at random for every sealing.
_NONCE_LENGTH_BYTES = 12
_TAG_LENGTH_BYTES = 16
_ID_LENGTH = 8


class VaultError(Exception):
    """The vault or its key cannot be used; the message says why and what to do, never a secret."""


class SealBrokenError(Exception):
    """What was sealed is not what is opened: another key, other bytes or another context."""


class VaultKey:
    """An AES-256-GCM key that prints its id only.

    The id names the key in records, so that a wrong key is told from a forged record.

    Raises:
        ValueError: It is not 32 bytes long.
    """

    __slots__ = ("_aead", "_derivation", "id")

    def __init__(self, key: bytes) -> None:
        if len(key) != KEY_LENGTH_BYTES:
            raise ValueError(f"a key of {len(key)} bytes and not {KEY_LENGTH_BYTES}")
        self._aead = AESGCM(key)
        self._derivation = hmac.new(key, digestmod=hashlib.sha256)
        # A MAC of a fixed text under a random key tells nothing of the key.
        self.id = hmac.digest(key, b"okx-gateway vault key id", hashlib.sha256).hex()[:_ID_LENGTH]

    def seal(self, content: bytes, context: bytes) -> bytes:
        """Encrypt `content` under a fresh nonce, bound to `context`: nonce, ciphertext, tag."""
        nonce = os.urandom(_NONCE_LENGTH_BYTES)
        return nonce + self._aead.encrypt(nonce, content, context)

    def unseal(self, sealed: bytes, context: bytes) -> bytes:
        """Decrypt what `seal` made in the same context.

        Raises:
            SealBrokenError: It is not that.
        """
        if len(sealed) < _NONCE_LENGTH_BYTES + _TAG_LENGTH_BYTES:
            raise SealBrokenError
        nonce, ciphertext = sealed[:_NONCE_LENGTH_BYTES], sealed[_NONCE_LENGTH_BYTES:]
        try:
            return self._aead.decrypt(nonce, ciphertext, context)
        except InvalidTag:
            raise SealBrokenError from None

    def derive(self, purpose: bytes) -> bytes:
        """A key of 32 bytes for another purpose, which tells nothing of this one."""
        derivation = self._derivation.copy()
        derivation.update(b"derive " + purpose)
        return derivation.digest()

    def __repr__(self) -> str:
        return f"<vault key {self.id}>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a vault key cannot be pickled or copied")


def new_data_key() -> bytes:
    """Draw a key at random for one record."""
    return os.urandom(KEY_LENGTH_BYTES)


def new_key_text() -> str:
    """Draw a vault key at random, as base64."""
    return base64.b64encode(os.urandom(KEY_LENGTH_BYTES)).decode()


def vault_key_from_text(text: str, *, origin: str) -> VaultKey:
    """Read a key from base64; `origin` names where it came from in the error.

    Raises:
        VaultError: It is not 32 bytes in base64.
    """
    try:
        return VaultKey(base64.b64decode(text.strip(), validate=True))
    except (binascii.Error, ValueError):
        raise VaultError(
            f"the vault key in {origin} is not {KEY_LENGTH_BYTES} bytes in base64; "
            "`okx-gateway vault init` makes a right one"
        ) from None
