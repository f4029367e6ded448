import stat
from pathlib import Path

import pytest

from okx_gateway.custody.vault_key import VaultError
from okx_gateway.custody.vault_key_file import access_fault, create_vault_key, read_vault_key


def test_a_created_key_reads_back_and_is_its_owners_alone(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    created = create_vault_key(path)
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert read_vault_key(path).id == created.id


def test_a_key_is_never_overwritten(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    created = create_vault_key(path)
    with pytest.raises(VaultError, match="exists already"):
        create_vault_key(path)
    assert read_vault_key(path).id == created.id


@pytest.mark.parametrize("mode", [0o640, 0o604, 0o660, 0o644, 0o611])
def test_a_key_that_others_can_reach_is_refused(tmp_path: Path, mode: int) -> None:
    path = tmp_path / "vault.key"
    create_vault_key(path)
    path.chmod(mode)
    with pytest.raises(VaultError, match="chmod 600"):
        read_vault_key(path)


@pytest.mark.parametrize(
    ("mode", "owner", "reader", "fine"),
    [
        (0o600, 1000, 1000, True),
        (0o400, 0, 0, True),
        (0o440, 0, 1000, True),  # a secret that Kubernetes mounts with fsGroup
        (0o440, 0, 0, False),
        (0o440, 1000, 1000, False),
        (0o440, 1001, 1000, False),
        (0o460, 0, 1000, False),
        (0o444, 0, 1000, False),
    ],
)
def test_the_group_may_read_only_what_root_handed_over(
    mode: int,
    owner: int,
    reader: int,
    fine: bool,  # noqa: FBT001
) -> None:
    assert (access_fault(stat.S_IFREG | mode, owner=owner, reader=reader) == "") is fine


def test_a_directory_is_no_key(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="cannot read"):
        read_vault_key(tmp_path)
    assert "regular" in access_fault(stat.S_IFIFO | 0o600, owner=0, reader=0)


def test_a_missing_key_file_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="vault init"):
        read_vault_key(tmp_path / "none")


def test_an_endless_file_is_not_read_to_the_end(tmp_path: Path) -> None:
    path = tmp_path / "vault.key"
    path.write_bytes(b"A" * 1_000_000)
    path.chmod(0o600)
    with pytest.raises(VaultError, match="longer"):
        read_vault_key(path)


def test_a_folder_that_is_not_there_is_named(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="nowhere"):
        create_vault_key(tmp_path / "nowhere" / "vault.key")
