"""Where does the vault key come from?  Touches the file system."""

import os
import stat
from pathlib import Path

from okx_gateway.custody.vault_key import VaultError, VaultKey, new_key_text, vault_key_from_text

_FILE_BYTES_MAX = 1_024


def read_vault_key(path: Path) -> VaultKey:
    """Read the key from a file that holds it in base64.

    Raises:
        VaultError: It cannot be read, others can read it too, or it is not a key.
    """
    try:
        with path.open("rb") as file:
            state = os.fstat(file.fileno())
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise VaultError(
            f"cannot read the vault key file {path}: {error.strerror}; "
            "`okx-gateway vault init` makes one, OKX_GATEWAY_VAULT_KEY_FILE says where it is"
        ) from None
    fault = access_fault(state.st_mode, owner=state.st_uid, reader=os.geteuid())
    if fault:
        raise VaultError(f"the vault key file {path} {fault}")
    if len(content) > _FILE_BYTES_MAX:
        raise VaultError(f"the vault key file {path} is longer than any key")
    return vault_key_from_text(content.decode("ascii", "replace"), origin=str(path))


def create_vault_key(path: Path) -> VaultKey:
    """Draw a key and write it to a new file that its owner alone can read.

    Raises:
        VaultError: There is a file already, or it cannot be written.
    """
    text = new_key_text()
    try:
        descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    except FileExistsError:
        raise VaultError(
            f"{path} exists already; a vault key is never overwritten, because every record sealed "
            "with it would be lost"
        ) from None
    except OSError as error:
        raise VaultError(f"cannot write the vault key file {path}: {error.strerror}") from None
    with os.fdopen(descriptor, "w") as file:
        file.write(text + "\n")
        file.flush()
        os.fsync(file.fileno())
    return vault_key_from_text(text, origin=str(path))


def access_fault(mode: int, *, owner: int, reader: int) -> str:
    """Say what is wrong with who may read a key file; empty where nothing is.

    The group may read a file that root put there for another user: that is how Kubernetes hands
    a secret to a process that is not root.
    """
    if not stat.S_ISREG(mode):
        return "is not a regular file"
    handed_over = owner == 0 and reader != 0
    forbidden = 0o027 if handed_over else 0o077
    if stat.S_IMODE(mode) & forbidden:
        return f"is open to other users (mode {stat.S_IMODE(mode):04o}); run `chmod 600` on it"
    return ""
