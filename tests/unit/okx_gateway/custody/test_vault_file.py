import json
import os
import stat
import subprocess
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from okx_gateway.custody import vault_file
from okx_gateway.custody.credential import Environment, MalformedCredentialError
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultError, VaultKey

KEY = VaultKey(bytes(32))
OTHER_KEY = VaultKey(bytes([1]) * 32)
SECRETS = ("key-of-desk-7", "secret-of-desk-7", "phrase-of-desk-7")
NEWER = ("newer-key", "newer-secret", "newer-phrase")
DEMO, LIVE = Environment.DEMO, Environment.LIVE


@pytest.fixture
def vault(tmp_path: Path) -> VaultFile:
    vault = VaultFile(tmp_path / "vault.json")
    vault.create()
    return vault


def edit(vault: VaultFile, change: Callable[[dict[str, Any]], object]) -> None:
    document = json.loads(vault.path.read_text())
    change(document)
    vault.path.write_text(json.dumps(document))


def test_a_new_vault_is_empty_and_its_owners_alone(vault: VaultFile) -> None:
    assert vault.records() == ()
    assert stat.S_IMODE(vault.path.stat().st_mode) == 0o600


def test_a_vault_is_never_overwritten(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    with pytest.raises(VaultError, match="exists already"):
        vault.create()
    assert len(vault.records()) == 1


def test_what_is_added_opens_again(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    vault.add("desk-8", DEMO, NEWER, KEY)
    opened = VaultFile(vault.path).open_newest(KEY, DEMO)
    assert {each.account: each.reveal() for each in opened} == {"desk-7": SECRETS, "desk-8": NEWER}


def test_the_file_holds_no_secret(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    content = vault.path.read_text()
    assert "desk-7" in content
    assert not any(secret in content for secret in SECRETS)


def test_adding_again_makes_a_version_and_the_newest_is_used(vault: VaultFile) -> None:
    assert vault.add("desk-7", DEMO, SECRETS, KEY).version == 1
    assert vault.add("desk-7", DEMO, NEWER, KEY).version == 2
    (opened,) = vault.open_newest(KEY, DEMO)
    assert (opened.version, opened.reveal()) == (2, NEWER)


def test_an_account_stays_in_its_environment(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    with pytest.raises(VaultError, match="another name"):
        vault.add("desk-7", LIVE, NEWER, KEY)


def test_credentials_of_the_other_environment_stay_closed(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    vault.add("desk-8", LIVE, NEWER, OTHER_KEY)
    assert [each.account for each in vault.open_newest(KEY, DEMO)] == ["desk-7"]
    with pytest.raises(VaultError, match="desk-8"):
        vault.open_newest(KEY, LIVE)


def test_one_version_or_all_can_be_removed(vault: VaultFile) -> None:
    for _ in range(3):
        vault.add("desk-7", DEMO, SECRETS, KEY)
    assert [each.version for each in vault.remove("desk-7", 2)] == [2]
    assert [each.version for each in vault.records()] == [1, 3]
    assert len(vault.remove("desk-7", None)) == 2
    assert vault.records() == ()


@pytest.mark.parametrize(("account", "version"), [("desk-8", None), ("desk-7", 2)])
def test_removing_what_is_not_there_is_an_error(
    vault: VaultFile, account: str, version: int | None
) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    with pytest.raises(VaultError, match="no account"):
        vault.remove(account, version)
    assert len(vault.records()) == 1


def test_rewrapping_moves_all_records_to_another_key(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    vault.add("desk-8", LIVE, NEWER, KEY)
    vault.rewrap(old=KEY, new=OTHER_KEY)
    assert vault.open_newest(OTHER_KEY, DEMO)[0].reveal() == SECRETS
    with pytest.raises(VaultError, match="sealed with vault key"):
        vault.open_newest(KEY, DEMO)


def test_a_failed_rewrap_leaves_all_as_it_was(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    vault.add("desk-8", DEMO, NEWER, OTHER_KEY)
    before = vault.path.read_bytes()
    with pytest.raises(VaultError, match="desk-8"):
        vault.rewrap(old=KEY, new=OTHER_KEY)
    assert vault.path.read_bytes() == before


def test_a_wrong_secret_leaves_the_vault_as_it_was(vault: VaultFile) -> None:
    with pytest.raises(MalformedCredentialError):
        vault.add("desk-7", DEMO, ("key", "two words", "phrase"), KEY)
    assert vault.records() == ()


def test_a_file_cut_anywhere_is_refused(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    content = vault.path.read_bytes()
    for length in range(0, len(content) - 2, 7):
        vault.path.write_bytes(content[:length])
        with pytest.raises(VaultError, match=r"vault\.json"):
            vault.records()


def test_swapped_records_are_refused_by_name(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    vault.add("desk-8", DEMO, NEWER, KEY)

    def swap(document: dict[str, Any]) -> None:
        first, second = document["records"]
        first["account"], second["account"] = second["account"], first["account"]

    edit(vault, swap)
    with pytest.raises(VaultError, match=r"desk-7 \(demo, version 1\) was altered"):
        vault.open_newest(KEY, DEMO)


@pytest.mark.parametrize(
    ("change", "message"),
    [
        (lambda document: document.update(format="zip"), "not a vault"),
        (lambda document: document.update(version=2), "format version 2"),
        (lambda document: document.update(records=None), "no list of records"),
        (lambda document: document["records"].append(1), "no list of records"),
        (lambda document: document["records"].append({}), "no account"),
        (lambda document: document["records"].append(document["records"][0]), "two records"),
        (lambda document: document.update(records=document["records"] * 1001), "at most 1000"),
    ],
)
def test_a_document_of_another_form_is_refused(
    vault: VaultFile, change: Callable[[dict[str, Any]], object], message: str
) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    edit(vault, change)
    with pytest.raises(VaultError, match=message):
        vault.records()


@pytest.mark.parametrize("content", [b"", b"[]", b"null", b"\xff\xfe", b"[" * 100_000])
def test_what_is_no_document_is_refused(vault: VaultFile, content: bytes) -> None:
    vault.path.write_bytes(content)
    with pytest.raises(VaultError):
        vault.records()


def test_a_huge_file_is_not_read_to_the_end(vault: VaultFile) -> None:
    vault.path.write_bytes(b" " * (2 << 20))
    with pytest.raises(VaultError, match="larger than"):
        vault.records()


def test_a_missing_vault_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(VaultError, match="vault init"):
        VaultFile(tmp_path / "none.json").records()
    with pytest.raises(VaultError, match="cannot write"):
        VaultFile(tmp_path / "nowhere" / "vault.json").create()


def test_reading_writes_nothing(vault: VaultFile) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    lock = vault.path.with_name("vault.json.lock")
    lock.unlink()
    vault.open_newest(KEY, DEMO)
    assert [each.name for each in vault.path.parent.iterdir()] == ["vault.json"]


def test_a_failed_write_leaves_the_old_file_alone(
    vault: VaultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    vault.add("desk-7", DEMO, SECRETS, KEY)
    before = vault.path.read_bytes()

    def fail(descriptor: int) -> None:
        raise OSError(28, "No space left on device")

    with monkeypatch.context() as patch:
        patch.setattr(os, "fsync", fail)
        with pytest.raises(VaultError, match="No space left"):
            vault.add("desk-8", DEMO, NEWER, KEY)
    assert vault.path.read_bytes() == before
    assert sorted(each.name for each in vault.path.parent.iterdir()) == [
        "vault.json",
        "vault.json.lock",
    ]


def test_a_link_to_the_vault_stays_a_link(vault: VaultFile, tmp_path: Path) -> None:
    link = tmp_path / "link.json"
    link.symlink_to(vault.path)
    VaultFile(link).add("desk-7", DEMO, SECRETS, KEY)
    assert link.is_symlink()
    assert len(vault.records()) == 1


def test_a_writer_that_waits_too_long_gives_up(
    vault: VaultFile, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(vault_file, "_LOCK_WAIT_MAX_S", 0.1)
    with vault._locked(), pytest.raises(VaultError, match="another process"):
        vault.add("desk-7", DEMO, SECRETS, KEY)


WRITER = """
import sys
from pathlib import Path
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultKey
vault = VaultFile(Path(sys.argv[1]))
for _ in range(5):
    vault.add(sys.argv[2], Environment.DEMO, ("k", "s", "p"), VaultKey(bytes(32)))
"""


def test_processes_that_add_at_once_lose_no_record(vault: VaultFile) -> None:
    accounts = ["shared", "shared", "own-a", "own-b"]
    writers = [
        subprocess.Popen([sys.executable, "-c", WRITER, str(vault.path), account])
        for account in accounts
    ]
    assert [writer.wait(timeout=60) for writer in writers] == [0, 0, 0, 0]
    held = [(record.account, record.version) for record in vault.records()]
    assert held == [
        *(("own-a", version) for version in range(1, 6)),
        *(("own-b", version) for version in range(1, 6)),
        *(("shared", version) for version in range(1, 11)),
    ]
