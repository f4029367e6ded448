"""A simulated exchange in a process of its own, for clients that know nothing of ours."""

import re
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

_ADDRESS = re.compile(r"^okx-simulator: (?P<what>[a-z ]+) on (?P<address>\S+:\d+)")


@dataclass(frozen=True)
class Simulated:
    """Where a running simulator listens, and the key it knows."""

    host: str
    control: str
    secure_host: str
    certificate: Path
    key: str = "00000000-0000-4000-8000-000000000001"
    secret: str = "SIMULATORSECRET00000000000000001"
    passphrase: str = "Simulator-1"

    @property
    def url(self) -> str:
        """The base URL of REST."""
        return f"http://{self.host}"


@pytest.fixture(scope="module")
def simulated(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Simulated]:
    certificate = tmp_path_factory.mktemp("tls") / "authority.pem"
    command = [
        *(sys.executable, "-m", "okx_simulator", "--seed", "7"),
        *("--listen", "127.0.0.1:0", "--control", "127.0.0.1:0"),
        *("--tls", "127.0.0.1:0", "--tls-cert-out", str(certificate)),
    ]
    process = subprocess.Popen(command, stdout=subprocess.PIPE, text=True)
    try:
        assert process.stdout is not None
        addresses = {}
        for _ in range(3):
            line = process.stdout.readline()
            told = _ADDRESS.match(line)
            assert told, f"the simulator said {line!r}"
            addresses[told["what"]] = told["address"]
        yield Simulated(
            host=addresses["http and ws"],
            control=addresses["control"],
            secure_host=addresses["https and wss"],
            certificate=certificate,
        )
    finally:
        process.terminate()
        process.wait(timeout=10)
        if process.stdout is not None:
            process.stdout.close()
