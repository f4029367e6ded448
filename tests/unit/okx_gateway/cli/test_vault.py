import base64
import json
import os
import pty
import select
import stat
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from click.testing import CliRunner, Result

from okx_gateway.cli.vault import vault
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key_file import read_vault_key

SECRETS = ("planted-key", "planted-secret", "planted phrase")
Run = Callable[..., Result]


@pytest.fixture
def run(tmp_path: Path) -> Run:
    """Runs a command with the vault and its key where the settings say."""
    places = {
        "OKX_GATEWAY_VAULT_PATH": str(tmp_path / "vault.json"),
        "OKX_GATEWAY_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
    }

    def run(*args: str, answer: str | None = None, **environ: str | None) -> Result:
        result = CliRunner().invoke(vault, args, input=answer, env={**places, **environ})
        assert not any(secret in result.output for secret in SECRETS)
        return result

    return run


@pytest.fixture
def secrets_fd() -> Iterator[Callable[..., str]]:
    """Puts secrets where `--secrets-fd` reads them."""
    opened: list[int] = []

    def give(*secrets: str) -> str:
        reading, writing = os.pipe()
        os.write(writing, "\n".join(secrets or SECRETS).encode())
        os.close(writing)
        opened.append(reading)
        return str(reading)

    yield give
    for descriptor in opened:
        os.close(descriptor)


@pytest.fixture
def filled(run: Run, secrets_fd: Callable[..., str]) -> Run:
    """A vault with one account of two versions and one account of one."""
    assert run("init").exit_code == 0
    for account in ("desk-7", "desk-7", "desk-8"):
        result = run("add", account, "--environment", "demo", "--secrets-fd", secrets_fd())
        assert result.exit_code == 0, result.output
    return run


def test_init_makes_a_key_and_an_empty_vault(run: Run, tmp_path: Path) -> None:
    result = run("init")
    assert result.exit_code == 0
    assert "vault add" in result.stdout
    for name in ("vault.json", "vault.key"):
        assert stat.S_IMODE((tmp_path / name).stat().st_mode) == 0o600
    key = (tmp_path / "vault.key").read_text().strip()
    assert len(base64.b64decode(key)) == 32
    assert key not in result.output


def test_init_overwrites_neither_vault_nor_key(filled: Run, tmp_path: Path) -> None:
    before = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    result = filled("init")
    assert result.exit_code == 1
    assert "exists already" in result.stderr
    assert filled("init", "--vault", str(tmp_path / "other.json")).exit_code == 1
    assert filled("init", "--key-file", str(tmp_path / "other.key")).exit_code == 1
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == before


def test_a_failed_init_leaves_no_key_behind(run: Run, tmp_path: Path) -> None:
    result = run("init", "--vault", str(tmp_path / "nowhere" / "vault.json"))
    assert result.exit_code == 1
    assert list(tmp_path.iterdir()) == []


def test_a_key_in_the_environment_needs_no_file(
    run: Run, secrets_fd: Callable[..., str], tmp_path: Path
) -> None:
    environ = {
        "OKX_GATEWAY_VAULT_KEY_FILE": None,
        "OKX_GATEWAY_VAULT_KEY": base64.b64encode(bytes(32)).decode(),
    }
    assert run("init", **environ).exit_code == 0
    added = run("add", "desk-7", "--environment", "live", "--secrets-fd", secrets_fd(), **environ)
    assert added.exit_code == 0
    assert run("check", "--offline", **environ).exit_code == 0
    assert not (tmp_path / "vault.key").exists()


def test_without_a_place_the_commands_say_how_to_give_one(run: Run) -> None:
    for args, missing in (
        (("list",), "OKX_GATEWAY_VAULT_PATH"),
        (("init", "--vault", "x"), "OKX_GATEWAY_VAULT_KEY_FILE"),
    ):
        result = run(*args, OKX_GATEWAY_VAULT_PATH=None, OKX_GATEWAY_VAULT_KEY_FILE=None)
        assert result.exit_code == 2
        assert missing in result.stderr


def test_wrong_settings_end_a_command_with_the_report(run: Run) -> None:
    result = run("list", OKX_GATEWAY_CALLS_MAX="many")
    assert result.exit_code == 2
    assert "OKX_GATEWAY_CALLS_MAX: must be a whole number" in result.stderr


def test_add_tells_the_version_and_what_is_next(run: Run, secrets_fd: Callable[..., str]) -> None:
    run("init")
    for version in (1, 2):
        result = run("add", "desk-7", "--environment", "demo", "--secrets-fd", secrets_fd())
        assert f"added desk-7 (demo, version {version}), key " in result.stdout
        assert "vault check desk-7" in result.stdout


@pytest.mark.parametrize(
    ("account", "secrets", "words"),
    [
        ("Desk", SECRETS, "account name"),
        ("desk-7", ("planted", "planted"), "three lines"),
        ("desk-7", ("", "s", "p"), "API key must be"),
        ("desk-7", ("k", "two words", "p"), "secret key must be"),
    ],
)
def test_add_refuses_what_cannot_be_right(
    run: Run,
    secrets_fd: Callable[..., str],
    account: str,
    secrets: tuple[str, ...],
    words: str,
) -> None:
    run("init")
    descriptor = secrets_fd(*secrets)
    result = run("add", account, "--environment", "demo", "--secrets-fd", descriptor)
    assert result.exit_code in {1, 2}
    assert words in result.stderr
    assert json.loads(run("list", "--json").stdout) == []


def test_add_keeps_live_and_demo_apart(filled: Run, secrets_fd: Callable[..., str]) -> None:
    result = filled("add", "desk-7", "--environment", "live", "--secrets-fd", secrets_fd())
    assert result.exit_code == 1
    assert "another name" in result.stderr


def test_add_without_a_vault_asks_nobody_for_a_secret(run: Run) -> None:
    result = run("add", "desk-7", "--environment", "demo")
    assert result.exit_code == 1
    assert "vault init" in result.stderr


def test_secrets_cannot_be_given_on_the_command_line(filled: Run) -> None:
    result = filled("add", "desk-7", "--environment", "demo", "key", "secret", "phrase")
    assert result.exit_code == 2


def test_list_shows_which_version_is_used(filled: Run) -> None:
    lines = filled("list").stdout.splitlines()
    assert lines[0].split() == ["ACCOUNT", "ENVIRONMENT", "VERSION", "KEY", "ADDED", "USED"]
    assert [line.split()[0:3] + line.split()[5:] for line in lines[1:]] == [
        ["desk-7", "demo", "1"],
        ["desk-7", "demo", "2", "yes"],
        ["desk-8", "demo", "1", "yes"],
    ]


def test_list_as_json_needs_no_key(filled: Run, tmp_path: Path) -> None:
    (tmp_path / "vault.key").unlink()
    facts = json.loads(filled("list", "--json").stdout)
    assert [(fact["account"], fact["version"]) for fact in facts] == [
        ("desk-7", 1),
        ("desk-7", 2),
        ("desk-8", 1),
    ]


def test_an_empty_vault_lists_nothing(run: Run) -> None:
    run("init")
    assert run("list").stdout == ""
    assert "vault add" in run("list").stderr


def test_remove_asks_first(filled: Run) -> None:
    refused = filled("remove", "desk-7", answer="n\n")
    assert refused.exit_code == 1
    assert "desk-7 (demo, version 1)" in refused.stdout
    assert len(json.loads(filled("list", "--json").stdout)) == 3
    assert filled("remove", "desk-7", answer="y\n").exit_code == 0
    assert len(json.loads(filled("list", "--json").stdout)) == 1


def test_remove_of_one_version_tells_which_is_used_then(filled: Run) -> None:
    result = filled("remove", "desk-7", "--version", "2", "--yes")
    assert "removed desk-7 (demo, version 2)" in result.stdout
    assert "version 1 is used" in result.stdout


def test_remove_of_what_is_not_there_is_an_error(filled: Run) -> None:
    assert filled("remove", "desk-9", "--yes").exit_code == 1
    assert filled("remove", "desk-7", "--version", "9").exit_code == 1


def test_rekey_locks_the_vault_with_a_new_key(filled: Run, tmp_path: Path) -> None:
    new = str(tmp_path / "new.key")
    result = filled("rekey", new)
    assert result.exit_code == 0
    assert "3 records" in result.stdout
    assert filled("check", "--offline").exit_code == 1
    assert filled("check", "--offline", "--key-file", new).exit_code == 0


def test_a_failed_rekey_leaves_no_new_key_behind(filled: Run, tmp_path: Path) -> None:
    other = tmp_path / "other.key"
    other.write_text(base64.b64encode(bytes(32)).decode())
    other.chmod(0o600)
    result = filled("rekey", str(tmp_path / "new.key"), "--key-file", str(other))
    assert result.exit_code == 1
    assert not (tmp_path / "new.key").exists()
    assert filled("check", "--offline").exit_code == 0


def test_check_offline_names_every_record_that_does_not_open(filled: Run, tmp_path: Path) -> None:
    path = tmp_path / "vault.json"
    document = json.loads(path.read_text())
    document["records"][2]["environment"] = "live"
    path.write_text(json.dumps(document))
    result = filled("check", "--offline")
    assert result.exit_code == 1
    assert "desk-7 (demo, version 2), key" in result.stdout
    assert result.stdout.count(": ok") == 2
    assert result.stdout.count(": NOT USABLE") == 1
    assert "desk-8 (live, version 1) was altered" in result.stdout


def test_check_of_an_account_that_is_not_there_is_an_error(filled: Run) -> None:
    assert filled("check", "desk-9", "--offline").exit_code == 1


# The terminal becomes the one that getpass asks on when the leader of a session opens it.
ADD = """
import os
os.close(os.open(os.ttyname(0), os.O_RDWR))
from okx_gateway.cli.vault import vault
vault(["add", "desk-7", "--environment", "demo"])
"""


def test_add_asks_on_a_terminal_without_showing_what_is_typed(run: Run, tmp_path: Path) -> None:
    run("init")
    ours, theirs = pty.openpty()
    process = subprocess.Popen(
        [sys.executable, "-c", ADD],
        stdin=theirs,
        stdout=theirs,
        stderr=theirs,
        start_new_session=True,
        env={
            "OKX_GATEWAY_VAULT_PATH": str(tmp_path / "vault.json"),
            "OKX_GATEWAY_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
        },
    )
    os.close(theirs)
    shown = ""
    try:
        for name, secret in zip(("API key", "Secret key", "Passphrase"), SECRETS, strict=True):
            shown += shown_until(ours, f"{name} (not shown): ")
            os.write(ours, f"{secret}\n".encode())
        shown += shown_until(ours, "next: okx-gateway vault check")
        assert process.wait(timeout=10) == 0
    finally:
        process.kill()
        process.wait()
        os.close(ours)
    assert "added desk-7 (demo, version 1)" in shown
    assert "planted" not in shown
    key = read_vault_key(tmp_path / "vault.key")
    (held,) = VaultFile(tmp_path / "vault.json").open_newest(key, Environment.DEMO)
    assert held.reveal() == SECRETS


def shown_until(terminal: int, words: str) -> str:
    seen = ""
    give_up_s = time.monotonic() + 10
    while words not in seen and time.monotonic() < give_up_s:
        if select.select([terminal], [], [], 0.1)[0]:
            seen += os.read(terminal, 1024).decode()
    assert words in seen, seen
    return seen
