"""Where do credentials rest?

Touches the file system: one JSON document, replaced as a whole under a lock, so that neither a
crash nor two writers at once can lose a record. A process that only reads takes no lock and needs
no right to write. That a whole record was taken away cannot be seen.
"""

import fcntl
import itertools
import json
import os
import tempfile
import time
from collections.abc import Iterable, Iterator
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.sealed_record import (
    FORMAT,
    FORMAT_VERSION,
    SealedRecord,
    record_from_json,
    record_to_json,
    rewrap,
    seal,
    unseal,
)
from okx_gateway.custody.vault_key import VaultError, VaultKey

_FILE_BYTES_MAX = 1 << 20
_RECORDS_MAX = 1_000
_LOCK_WAIT_MAX_S = 10.0
_LOCK_POLL_S = 0.02


class VaultFile:
    """The vault at `path`; every method reads the file anew."""

    def __init__(self, path: Path) -> None:
        # A link stays a link: it is its target that is replaced.
        self.path = path.resolve()

    def create(self) -> None:
        """Write an empty vault.

        Raises:
            VaultError: There is a file already, or it cannot be written.
        """
        with self._locked():
            if self.path.exists():
                raise VaultError(f"{self.path} exists already; a vault is never overwritten")
            self._write(())

    def records(self) -> tuple[SealedRecord, ...]:
        """All records, by account and version; nothing is opened.

        Raises:
            VaultError: There is no whole vault at the path.
        """
        content = self._content()
        try:
            document = json.loads(content)
        except (ValueError, RecursionError):
            raise VaultError(
                f"the vault {self.path} is cut short or not JSON; restore it from a backup"
            ) from None
        if not isinstance(document, dict) or document.get("format") != FORMAT:
            raise VaultError(f"{self.path} is not a vault of okx-gateway")
        if document.get("version") != FORMAT_VERSION:
            raise VaultError(
                f"the vault {self.path} has format version {document.get('version')!r:.20} and "
                f"this program reads {FORMAT_VERSION}"
            )
        rows = document.get("records")
        if not isinstance(rows, list) or not all(isinstance(row, dict) for row in rows):
            raise VaultError(f"the vault {self.path} has no list of records")
        return _in_order(record_from_json(row) for row in rows[: _RECORDS_MAX + 1])

    def open_newest(self, key: VaultKey, environment: Environment) -> tuple[Credential, ...]:
        """Open the newest credential of every account in `environment`, and no other.

        Raises:
            VaultError: The vault or one of these records cannot be opened.
        """
        newest = {
            record.account: record for record in self.records() if record.environment is environment
        }
        return tuple(unseal(record, key) for record in newest.values())

    def add(
        self,
        account: str,
        environment: Environment,
        secrets: tuple[str, str, str],
        key: VaultKey,
    ) -> SealedRecord:
        """Seal API key, secret key and passphrase as the account's next version.

        Raises:
            VaultError: The account is of another environment, or the vault cannot be written.
            MalformedCredentialError: The name or a secret cannot be right.
        """
        with self._locked():
            records = self.records()
            own = [record for record in records if record.account == account]
            if own and own[-1].environment is not environment:
                raise VaultError(
                    f"account {account} is a {own[-1].environment} account; "
                    f"give the {environment} one another name"
                )
            credential = Credential(
                account=account,
                environment=environment,
                version=own[-1].version + 1 if own else 1,
                secrets=secrets,
            )
            add_time = datetime.now(UTC).isoformat(timespec="seconds").replace("+00:00", "Z")
            record = seal(credential, key, add_time=add_time)
            self._write((*records, record))
            return record

    def remove(self, account: str, version: int | None) -> tuple[SealedRecord, ...]:
        """Remove one version of an account, or all where `version` is None; returns the removed.

        Raises:
            VaultError: There is no such record, or the vault cannot be written.
        """
        with self._locked():
            records = self.records()
            removed = tuple(
                record
                for record in records
                if record.account == account and version in (None, record.version)
            )
            if not removed:
                which = "" if version is None else f" with version {version}"
                raise VaultError(f"the vault has no account {account!r}{which}")
            self._write(record for record in records if record not in removed)
            return removed

    def rewrap(self, *, old: VaultKey, new: VaultKey) -> tuple[SealedRecord, ...]:
        """Lock all records with another vault key.

        Raises:
            VaultError: A record was not sealed with the old key, or the vault cannot be written;
                then all stays as it was.
        """
        with self._locked():
            records = tuple(rewrap(record, old=old, new=new) for record in self.records())
            self._write(records)
            return records

    def _content(self) -> bytes:
        try:
            with self.path.open("rb") as file:
                content = file.read(_FILE_BYTES_MAX + 1)
        except OSError as error:
            raise VaultError(
                f"cannot read the vault {self.path}: {error.strerror}; "
                "`okx-gateway vault init` makes one, OKX_GATEWAY_VAULT_PATH says where it is"
            ) from None
        if len(content) > _FILE_BYTES_MAX:
            raise VaultError(f"the vault {self.path} is larger than {_FILE_BYTES_MAX} bytes")
        return content

    def _write(self, records: Iterable[SealedRecord]) -> None:
        rows = [record_to_json(record) for record in _in_order(records)]
        document = {"format": FORMAT, "version": FORMAT_VERSION, "records": rows}
        try:
            _replace(self.path, json.dumps(document, indent=2).encode() + b"\n")
        except OSError as error:
            raise VaultError(f"cannot write the vault {self.path}: {error.strerror}") from None

    @contextmanager
    def _locked(self) -> Iterator[None]:
        """Keep other writers out. The lock file stays: removing it would let two writers in."""
        lock_path = self.path.with_name(self.path.name + ".lock")
        try:
            descriptor = os.open(lock_path, os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        except OSError as error:
            raise VaultError(f"cannot write beside {self.path}: {error.strerror}") from None
        try:
            _lock(descriptor, lock_path)
            yield
        finally:
            os.close(descriptor)


def _in_order(records: Iterable[SealedRecord]) -> tuple[SealedRecord, ...]:
    ordered = tuple(sorted(records, key=lambda record: (record.account, record.version)))
    if len(ordered) > _RECORDS_MAX:
        raise VaultError(f"a vault has at most {_RECORDS_MAX} records; remove old versions")
    for earlier, later in itertools.pairwise(ordered):
        if (earlier.account, earlier.version) == (later.account, later.version):
            raise VaultError(f"the vault has two records of {later.name}")
    return ordered


def _lock(descriptor: int, path: Path) -> None:
    give_up_s = time.monotonic() + _LOCK_WAIT_MAX_S
    while time.monotonic() < give_up_s:
        with suppress(BlockingIOError):
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
            return
        time.sleep(_LOCK_POLL_S)
    raise VaultError(f"another process has held {path} for {_LOCK_WAIT_MAX_S:.0f} s; try again")


def _replace(path: Path, content: bytes) -> None:
    """Put `content` in place of the file: after a crash there is the old one or the new one."""
    descriptor, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(descriptor, "wb") as file:  # mkstemp made it 0600
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        with suppress(OSError):
            Path(temporary).unlink()
        raise
    directory = os.open(path.parent, os.O_RDONLY | os.O_DIRECTORY)
    try:
        os.fsync(directory)
    finally:
        os.close(directory)
