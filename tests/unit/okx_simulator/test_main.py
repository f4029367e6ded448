import json
import re
import signal
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest
from click.testing import CliRunner

from okx_simulator.__main__ import main

LINE = re.compile(r"okx-simulator: (http and ws|https and wss|control) on 127\.0\.0\.1:(\d+)(.*)")


@contextmanager
def _process(*options: str) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "-m", "okx_simulator", *options]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True)
    try:
        yield process
    finally:
        process.terminate()
        process.communicate(timeout=10)


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
def test_it_says_where_it_listens_and_ends_cleanly(tmp_path: Path, number: signal.Signals) -> None:
    certificate = tmp_path / "authority.pem"
    addresses = ("--listen", "127.0.0.1:0", "--tls", "127.0.0.1:0", "--control", "127.0.0.1:0")
    with _process(*addresses, "--tls-cert-out", str(certificate)) as process:
        assert process.stdout is not None
        told = [LINE.fullmatch(process.stdout.readline().strip()) for _ in range(3)]
        names = [line.group(1) for line in told if line]
        assert names == ["http and ws", "https and wss", "control"]
        assert told[1] is not None
        assert told[1].group(3) == f", trust {certificate}"
        assert b"BEGIN CERTIFICATE" in certificate.read_bytes()
        process.send_signal(number)
        _, errors = process.communicate(timeout=10)
        assert (process.returncode, errors) == (0, "")


def test_tls_alone_takes_the_place_of_the_plain_address() -> None:
    with _process("--listen", "127.0.0.1:0", "--tls") as process:
        assert process.stdout is not None
        told = LINE.fullmatch(process.stdout.readline().strip())
        assert told is not None
        assert told.group(1) == "https and wss"
        certificate = Path(told.group(3).removeprefix(", trust "))
        assert certificate.exists()
        process.terminate()
        process.communicate(timeout=10)
        assert not certificate.parent.exists()


def test_help_tells_every_option() -> None:
    told = CliRunner().invoke(main, ["--help"]).output
    for option in ("listen", "tls", "tls-cert-out", "control", "seed", "accounts", "window"):
        assert f"--{option}" in told


@pytest.mark.parametrize(
    "arguments",
    [
        ["--listen", "nowhere"],
        ["--listen", "127.0.0.1:70000"],
        ["--listen", ":80"],
        ["--tls", "here"],
        ["--window", "round"],
        ["--idle-ms", "0"],
        ["--accounts", "missing.yaml"],
    ],
)
def test_options_that_make_no_sense_are_named(arguments: list[str]) -> None:
    result = CliRunner().invoke(main, arguments)
    assert result.exit_code == 2
    assert arguments[0] in result.output


@pytest.mark.parametrize("option", ["--faults", "--accounts"])
def test_a_file_that_cannot_be_read_is_named(tmp_path: Path, option: str) -> None:
    path = tmp_path / "file.json"
    path.write_text(json.dumps({"faults": [{"kind": "gremlin"}]}))
    result = CliRunner().invoke(main, [option, str(path)])
    assert result.exit_code == 2
    assert option in result.output


def test_an_address_that_is_taken_is_told_without_a_traceback() -> None:
    with _process("--listen", "127.0.0.1:0") as process:
        assert process.stdout is not None
        told = LINE.fullmatch(process.stdout.readline().strip())
        assert told is not None
        result = CliRunner().invoke(main, ["--listen", f"127.0.0.1:{told.group(2)}"])
        assert (result.exit_code, result.output.count("\n")) == (1, 1)
        assert result.output.startswith("Error: ")
