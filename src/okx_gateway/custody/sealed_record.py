"""How does one credential look at rest?  Pure.

A record is sealed with a data key of its own, which is wrapped by the vault key. Both seals are
bound to everything that the record says in clear, so that no record passes for another.
"""

import base64
import binascii
import dataclasses
import json
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from okx_gateway.custody.credential import (
    Credential,
    Environment,
    MalformedCredentialError,
    check_account_name,
)
from okx_gateway.custody.vault_key import (
    SealBrokenError,
    VaultError,
    VaultKey,
    new_data_key,
)

FORMAT = "okx-gateway-vault"
FORMAT_VERSION = 1


@dataclass(frozen=True, slots=True)
class SealedRecord:
    """A credential at rest. `add_time` is UTC, RFC 3339; the last two are ciphertext."""

    account: str
    environment: Environment
    version: int
    key_fingerprint: str
    add_time: str
    vault_key_id: str
    wrapped_key: bytes
    sealed: bytes

    @property
    def name(self) -> str:
        """How messages call it."""
        return f"{self.account} ({self.environment}, version {self.version})"

    def _context(self, purpose: str) -> bytes:
        return json.dumps(
            [
                FORMAT,
                FORMAT_VERSION,
                purpose,
                self.account,
                self.environment,
                self.version,
                self.key_fingerprint,
                self.add_time,
            ]
        ).encode()

    @property
    def key_context(self) -> bytes:
        """What the wrapped data key is bound to."""
        return self._context("data key")

    @property
    def credential_context(self) -> bytes:
        """What the sealed credential is bound to."""
        return self._context("credential")


def seal(credential: Credential, key: VaultKey, *, add_time: str) -> SealedRecord:
    """Seal a credential under a fresh data key."""
    clear = SealedRecord(
        account=credential.account,
        environment=credential.environment,
        version=credential.version,
        key_fingerprint=credential.fingerprint,
        add_time=add_time,
        vault_key_id=key.id,
        wrapped_key=b"",
        sealed=b"",
    )
    data_key = new_data_key()
    content = json.dumps(credential.reveal()).encode()
    return dataclasses.replace(
        clear,
        wrapped_key=key.seal(data_key, clear.key_context),
        sealed=VaultKey(data_key).seal(content, clear.credential_context),
    )


def unseal(record: SealedRecord, key: VaultKey) -> Credential:
    """Open a record.

    Raises:
        VaultError: It was sealed with another vault key, or altered since.
    """
    data_key = _data_key(record, key)
    try:
        content = VaultKey(data_key).unseal(record.sealed, record.credential_context)
    except SealBrokenError:
        raise _altered(record) from None
    api_key, secret, passphrase = json.loads(content)
    return Credential(
        account=record.account,
        environment=record.environment,
        version=record.version,
        secrets=(api_key, secret, passphrase),
    )


def rewrap(record: SealedRecord, *, old: VaultKey, new: VaultKey) -> SealedRecord:
    """Lock a record with another vault key; the credential itself is not opened.

    Raises:
        VaultError: It was not sealed with the old key, or altered since.
    """
    data_key = _data_key(record, old)
    return dataclasses.replace(
        record, vault_key_id=new.id, wrapped_key=new.seal(data_key, record.key_context)
    )


def record_to_json(record: SealedRecord) -> dict[str, Any]:
    """Write a record as the vault file holds it."""
    return {
        "account": record.account,
        "environment": str(record.environment),
        "version": record.version,
        "key_fingerprint": record.key_fingerprint,
        "add_time": record.add_time,
        "vault_key_id": record.vault_key_id,
        "wrapped_key": base64.b64encode(record.wrapped_key).decode(),
        "sealed": base64.b64encode(record.sealed).decode(),
    }


def record_from_json(row: Mapping[str, Any]) -> SealedRecord:
    """Read a record as the vault file holds it.

    Raises:
        VaultError: It is not one.
    """
    names = {field.name for field in dataclasses.fields(SealedRecord)}
    called = f"the record of {str(row.get('account', 'no account'))[:64]!r}"
    if row.keys() != names:
        different = ", ".join(sorted(str(name)[:64] for name in row.keys() ^ names))
        raise VaultError(f"{called} is missing, or should not have: {different}")
    version = row["version"]
    texts = [row[name] for name in names - {"version"}]
    if type(version) is not int or version < 1 or not all(isinstance(text, str) for text in texts):
        raise VaultError(f"{called} has a value of the wrong type")
    try:
        check_account_name(row["account"])
        return SealedRecord(
            account=row["account"],
            environment=Environment(row["environment"]),
            version=version,
            key_fingerprint=row["key_fingerprint"],
            add_time=row["add_time"],
            vault_key_id=row["vault_key_id"],
            wrapped_key=base64.b64decode(row["wrapped_key"], validate=True),
            sealed=base64.b64decode(row["sealed"], validate=True),
        )
    except (MalformedCredentialError, binascii.Error, ValueError) as error:
        raise VaultError(f"{called} is malformed: {error}") from None


def _data_key(record: SealedRecord, key: VaultKey) -> bytes:
    if record.vault_key_id != key.id:
        raise VaultError(
            f"the record of {record.name} was sealed with vault key {record.vault_key_id[:16]!r} "
            f"and this is key {key.id!r}; give the key file that belongs to this vault"
        )
    try:
        return key.unseal(record.wrapped_key, record.key_context)
    except SealBrokenError:
        raise _altered(record) from None


def _altered(record: SealedRecord) -> VaultError:
    return VaultError(
        f"the record of {record.name} was altered, or belongs to another account, environment or "
        "version; restore the vault from a backup, or remove the record and add the key again"
    )
