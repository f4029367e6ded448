"""Secrets have one door, and a secret that got out elsewhere would be noticed."""

import ast
import base64
import html
import json
import os
import subprocess
import sys
import urllib.parse
from collections.abc import Callable
from pathlib import Path

import pytest

from tests.plugins.canary import PLANTED, Canaries

ROOT = Path(__file__).parents[2]
SOURCES = ROOT / "src" / "okx_gateway"
PHRASE = PLANTED["passphrase"]
SECRET = PLANTED["secret key"]
CANARIES = Canaries(PLANTED)


@pytest.mark.parametrize(
    "write",
    [
        str,
        repr,
        json.dumps,
        lambda text: json.dumps(json.dumps({"a": text})),
        lambda text: text.encode().hex(),
        lambda text: text.encode().hex().upper(),
        lambda text: str(list(text.encode())),
        urllib.parse.quote,
        lambda text: urllib.parse.urlencode({"a": text}),
        html.escape,
        lambda text: base64.b64encode(text.encode()).decode(),
        lambda text: base64.b64encode(f"k:{text}".encode()).decode(),
        lambda text: base64.b64encode(f"ke:{text};tail".encode()).decode(),
        lambda text: base64.urlsafe_b64encode(f"user:{text}".encode()).decode(),
        lambda text: text[: len(text) // 2],
        lambda text: text[len(text) // 2 :],
        lambda text: text[len(text) // 2 :].encode().hex(),
        lambda text: base64.b64encode(text[len(text) // 2 :].encode()).decode(),
    ],
)
@pytest.mark.parametrize("name", PLANTED)
def test_a_canary_is_found_in_every_writing(name: str, write: Callable[[str], str]) -> None:
    text = f"before {write(PLANTED[name])} after"
    for content in (text, text.encode()):
        leaks = CANARIES.leaks_in(content)
        assert leaks
        assert all(leak.startswith(name) for leak in leaks)
        assert not any(PLANTED[name][:8] in leak for leak in leaks)


def test_what_is_no_canary_is_not_found() -> None:
    assert CANARIES.leaks_in((SOURCES / "custody" / "signer.py").read_bytes()) == []
    assert CANARIES.leaks_in(os.urandom(1 << 20)) == []
    assert CANARIES.leaks_in("ca9a57b1 Kestrel \ud800") == []


def test_files_are_searched_to_the_bottom_of_folders(tmp_path: Path) -> None:
    deep = tmp_path / "a" / "b"
    deep.mkdir(parents=True)
    (deep / "clean.log").write_text("nothing")
    assert CANARIES.leaks_in_files([tmp_path]) == []
    (deep / "leaky.log").write_bytes(b"\xff" + SECRET.encode())
    (leak,) = CANARIES.leaks_in_files([tmp_path])
    assert leak == f"secret key as it is in {deep / 'leaky.log'}"


LEAKY = """
import logging, subprocess, sys, threading
import prometheus_client, pytest
from opentelemetry.sdk.trace import TracerProvider

def test_clean(canary_secrets):
    assert len(canary_secrets) == 3

def test_print(canary_secrets):
    print(canary_secrets[1].encode().hex())

def test_debug_log(canary_secrets):
    logging.getLogger("some.library").debug("sent %s", {"k": canary_secrets[0][:18]})

def test_child(canary_secrets):
    subprocess.run([sys.executable, "-c", f"print({canary_secrets[1]!r})"], check=True)

def test_exception_log(canary_secrets):
    try:
        raise ValueError(canary_secrets[2])
    except ValueError:
        logging.getLogger("some.library").exception("failed")

def test_span(canary_secrets):
    tracer = TracerProvider().get_tracer("test")
    tracer.start_span("send", attributes={"header": canary_secrets[1]}).end()

def test_metric(canary_secrets):
    registry = prometheus_client.CollectorRegistry()
    prometheus_client.Counter("calls", "x", ["who"], registry=registry).labels(canary_secrets[0])
    prometheus_client.exposition.generate_latest(registry)

@pytest.fixture
def leaky_teardown(canary_secrets):
    yield
    print(canary_secrets[1])

def test_teardown(leaky_teardown):
    pass
"""


def run_pytest(tmp_path: Path, test: str) -> subprocess.CompletedProcess[str]:
    (tmp_path / "test_planted.py").write_text(test)
    return subprocess.run(
        [
            *(sys.executable, "-m", "pytest", "-p", "tests.plugins.canary_plugin"),
            *("-p", "no:cacheprovider", "-c", os.devnull, "--rootdir", str(tmp_path), "-rA"),
            str(tmp_path),
        ],
        cwd=ROOT,
        env={"PATH": os.environ["PATH"], "PYTHONPATH": str(ROOT)},
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )


def test_a_planted_leak_fails_its_test_and_no_other(tmp_path: Path) -> None:
    done = run_pytest(tmp_path, LEAKY)
    assert done.returncode == 1, done.stdout
    outcomes = {
        line.split("::")[1].split()[0]: line.split()[0]
        for line in done.stdout.splitlines()
        if "::" in line and line.startswith(("PASSED", "FAILED", "ERROR"))
    }
    # A test that passed before its teardown leaked is told of twice; the later line counts.
    assert outcomes == {
        "test_clean": "PASSED",
        "test_print": "FAILED",
        "test_debug_log": "FAILED",
        "test_child": "FAILED",
        "test_exception_log": "FAILED",
        "test_span": "FAILED",
        "test_metric": "FAILED",
        "test_teardown": "ERROR",
    }
    assert "secret key in hex in Captured stdout call" in done.stdout
    assert "API key first half as it is in a log record of some.library" in done.stdout


def test_a_leak_between_tests_fails_the_run(tmp_path: Path) -> None:
    conftest = """
import logging
import pytest
from tests.plugins.canary import PLANTED

@pytest.hookimpl(tryfirst=True)
def pytest_sessionfinish():
    logging.getLogger("late").warning(PLANTED["secret key"])
"""
    (tmp_path / "conftest.py").write_text(conftest)
    done = run_pytest(tmp_path, "def test_clean():\n    pass\n")
    assert "1 passed" in done.stdout
    assert done.returncode == 1
    assert "got out between tests: secret key as it is in a log record of late" in done.stdout


def calls_of(name: str) -> set[str]:
    """The files of the gateway that call a method of this name."""
    return {
        str(path.relative_to(SOURCES))
        for path in SOURCES.rglob("*.py")
        for node in ast.walk(ast.parse(path.read_text()))
        if isinstance(node, ast.Call)
        and isinstance(node.func, ast.Attribute)
        and node.func.attr == name
    }


def test_a_credential_is_opened_by_custody_alone() -> None:
    assert calls_of("reveal") == {"custody/signer.py", "custody/sealed_record.py"}


def test_the_vault_commands_let_no_secret_out(tmp_path: Path) -> None:
    environ = {
        "PATH": os.environ["PATH"],
        "OKX_GATEWAY_VAULT_PATH": str(tmp_path / "vault.json"),
        "OKX_GATEWAY_VAULT_KEY_FILE": str(tmp_path / "vault.key"),
        "OKX_GATEWAY_OKX_REST_URL": "http://127.0.0.1:9",  # nobody is there
    }

    def run(*args: str, secrets: str | None = None) -> int:
        done = subprocess.run(
            [sys.executable, "-c", "from okx_gateway.cli.vault import vault; vault()", *args],
            env=environ,
            input=secrets,
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )
        assert CANARIES.leaks_in(done.stdout + done.stderr) == []
        assert "Traceback" not in done.stderr
        return done.returncode

    right = "\n".join(PLANTED.values())
    add = ("add", "desk-7", "--environment", "demo", "--secrets-fd", "0")
    assert run("init") == 0
    assert run(*add, secrets=right) == 0
    assert run(*add, secrets=right + "\nfourth line") == 2
    assert run(*add, secrets=right.replace("\n", " \n")) == 1
    assert run("list") == 0
    assert run("list", "--json") == 0
    assert run("check", "--offline") == 0
    assert run("check") == 1
    document = (tmp_path / "vault.json").read_text()
    (tmp_path / "vault.json").write_text(document.replace('"demo"', '"live"'))
    assert run("check", "--offline") == 1
    assert run("remove", "desk-7", "--yes") == 0
    (tmp_path / "vault.json").write_text(document)
    assert CANARIES.leaks_in_files([tmp_path]) == []
