"""Do the commands of the documents work as they are written?  Follows each document in a shell.

A fenced block is `sh` (run), `sh background` (started, and waited for), `sh shown` (make targets
alone, not run), or a file (`python four_calls.py`) that the commands after it use. The account at
OKX that a reader makes for the first steps is one of the simulator's, for demo trading.
"""

import json
import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import textwrap
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from google.protobuf import json_format

from okx_gateway.api.v1 import gateway_service_pb2
from okx_gateway.edge import translate

ROOT = Path(__file__).resolve().parents[2]
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_FENCE = re.compile(
    r"^(?P<indent> *)```(?P<label>[^\n`]+)\n(?P<text>.*?)^(?P=indent)```$", re.MULTILINE | re.DOTALL
)

_COMMAND_WAIT_S = 60
_READY_WAIT_S = 60
# What a background program prints once it can be used; one of a kind runs at a time.
_READY = {
    "okx-gateway run": ("gateway", r"Ctrl-C stops"),
    "okx-gateway serve": ("gateway", r"(?<!not )\bready\b"),
    "okx-simulator": ("simulator", r"control on"),
    "server_program": ("valkey", r"eady to accept connections"),
}
_PORTS = (50051, 8080, 8081, 9464, 6379, 8800, 8801)
# API key, secret key and passphrase, in the order in which they are asked for.
_DEMO_SECRETS = (
    "00000000-0000-4000-8000-00000000de30",
    "DOCUMENTSECRET000000000000000001",
    "Document-1",
)
# What the documents say that a block prints.
_PROMISED = {
    "README.md": ["CANCEL_OUTCOME_ALREADY_FILLED", "replayed: True", "main (demo, version 1)"],
    "simulator.md": [
        "yes, nothing was sent",
        "ERROR_REASON_ORDER_OUTCOME_UNKNOWN",
        "ERROR_REASON_ORDER_NOT_PLACED",
    ],
}


@dataclass(frozen=True)
class Block:
    language: str
    words: tuple[str, ...]
    text: str


def blocks_of(document: Path) -> list[Block]:
    found = []
    for match in _FENCE.finditer(document.read_text(encoding="utf-8")):
        language, *words = match["label"].split()
        found.append(Block(language, tuple(words), textwrap.dedent(match["text"])))
    return found


def _with_commands() -> list[Path]:
    return [
        document
        for document in DOCUMENTS
        if any(
            block.language == "sh" and "shown" not in block.words for block in blocks_of(document)
        )
    ]


class Walk:
    """A reader's shell, in a folder of its own, on ports of its own."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.output = ""
        self._ports = {port: _free_port() for port in _PORTS}
        self._running: dict[str, tuple[subprocess.Popen[bytes], Path]] = {}
        (folder / ".venv").symlink_to(ROOT / ".venv")
        (folder / ".curlrc").write_text("fail-with-body\nshow-error\nmax-time = 20\n")
        self.environ = {
            "HOME": str(folder),
            "PATH": f"{_tools(folder)}:{os.environ['PATH']}",
            "OKX_GATEWAY_GRPC_LISTEN": f"127.0.0.1:{self._ports[50051]}",
            "OKX_GATEWAY_REST_LISTEN": f"127.0.0.1:{self._ports[8080]}",
            "OKX_GATEWAY_ADMIN_LISTEN": f"127.0.0.1:{self._ports[8081]}",
            "OKX_GATEWAY_METRICS_LISTEN": f"127.0.0.1:{self._ports[9464]}",
        }

    def follow(self, block: Block) -> None:
        text = self._on_own_ports(block.text)
        if block.language != "sh":
            if block.words:
                (self.folder / block.words[0]).write_text(text)
        elif "background" in block.words:
            self._start(text)
        elif "shown" not in block.words:
            self._run(text)

    def _run(self, text: str) -> None:
        exported = self.folder / "exported"
        script = f"set -eu\ncd {self.folder}\n{text}\nexport -p > {exported}\n"
        command = [_program("bash"), "-c", script]
        if re.search(r"vault add(?!.*--secrets-fd)", text):
            self._type_secrets(command)
        else:
            done = subprocess.run(
                command,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=subprocess.STDOUT,
                timeout=_COMMAND_WAIT_S,
                check=False,
                text=True,
            )
            self.output += done.stdout
            assert done.returncode == 0, f"{text}\n{done.stdout}"
        self.environ |= _exported(exported)
        if "OKX_GATEWAY_VAULT_PATH" in self.environ:
            self._use_demo_account()

    def _type_secrets(self, command: list[str]) -> None:
        """Run with a terminal, and answer its questions as a reader would."""
        leader, follower = os.openpty()
        process = subprocess.Popen(
            [_program("setsid"), "--ctty", *command],
            env=self.environ,
            stdin=follower,
            stdout=follower,
            stderr=follower,
        )
        os.close(follower)
        answers = list(_DEMO_SECRETS)
        shown = ""
        try:
            while chunk := _read(leader):
                shown += chunk
                if shown.endswith("(not shown): ") and answers:
                    os.write(leader, answers.pop(0).encode() + b"\n")
        finally:
            os.close(leader)
        assert process.wait(_COMMAND_WAIT_S) == 0, shown
        assert not any(secret in shown for secret in _DEMO_SECRETS)
        self.output += shown

    def _use_demo_account(self) -> None:
        if "OKX_GATEWAY_OKX_REST_URL" in self.environ:
            return
        accounts = self.folder / "demo-accounts.yaml"
        key = dict(zip(("key", "secret", "passphrase"), _DEMO_SECRETS, strict=True))
        account = {"uid": "7", "balances": {"USDT": 9_000}, "keys": [{**key, "demo": True}]}
        accounts.write_text(json.dumps({"accounts": [account]}))
        address = f"127.0.0.1:{self._ports[8800]}"
        self._start(
            f".venv/bin/okx-simulator --listen {address} --control 127.0.0.1:{self._ports[8801]} "
            f"--accounts {accounts}"
        )
        self.environ |= {
            "OKX_GATEWAY_OKX_REST_URL": f"http://{address}",
            "OKX_GATEWAY_OKX_WS_PUBLIC_URL": f"ws://{address}/ws/v5/public",
        }

    def _start(self, text: str) -> None:
        text = re.sub(r"^make (\w+)$", lambda match: _recipe(match[1]), text.strip())
        kind, ready = next(found for words, found in _READY.items() if words in text)
        self._stop(kind)
        printed = self.folder / f"{kind}.out"
        with printed.open("wb") as output:
            process = subprocess.Popen(
                # It ends with the tests, also where they are killed.
                [_program("setpriv"), "--pdeathsig", "TERM", _program("bash"), "-c", text],
                cwd=self.folder,
                env=self.environ,
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=subprocess.STDOUT,
                start_new_session=True,
            )
        self._running[kind] = (process, printed)
        give_up_s = time.monotonic() + _READY_WAIT_S
        while not re.search(ready, self.printed(kind)):
            assert process.poll() is None, f"{text} ended:\n{self.printed(kind)}"
            assert time.monotonic() < give_up_s, f"{text} is not ready:\n{self.printed(kind)}"
            time.sleep(0.05)

    def printed(self, kind: str) -> str:
        return self._running[kind][1].read_text(errors="replace")

    def _stop(self, kind: str) -> None:
        if kind in self._running:
            process, _ = self._running.pop(kind)
            # The session was made for this program alone; all in it are its children.
            os.killpg(process.pid, signal.SIGINT)
            process.wait(_COMMAND_WAIT_S)

    def close(self) -> None:
        # The gateway first: it is meant to end while its surroundings are there.
        for kind in ("gateway", "simulator", "valkey"):
            self._stop(kind)

    def _on_own_ports(self, text: str) -> str:
        for port, own in self._ports.items():
            text = text.replace(f"127.0.0.1:{port}", f"127.0.0.1:{own}")
            text = text.replace(f"--port {port}", f"--port {own}")
        target = f"--gateway 127.0.0.1:{self._ports[50051]}"
        text = re.sub(
            r"(okx-gateway (?:balance|order|cancel|amend|ticker))\b", rf"\1 {target}", text
        )
        admin = f"--admin 127.0.0.1:{self._ports[8081]}"
        return re.sub(r"(okx-gateway budget)\b", rf"\1 {admin}", text)


@pytest.fixture
def walk(tmp_path: Path) -> Iterator[Walk]:
    walk = Walk(tmp_path)
    try:
        yield walk
    finally:
        walk.close()


@pytest.mark.timeout(300)
@pytest.mark.parametrize("document", _with_commands(), ids=lambda path: path.name)
def test_the_commands_of_a_document_work(document: Path, walk: Walk) -> None:
    for block in blocks_of(document):
        walk.follow(block)
    for promised in _PROMISED.get(document.name, []):
        assert promised in walk.output


def test_what_make_run_says_works_and_so_do_the_pages_of_the_readme(walk: Walk) -> None:
    walk.follow(Block("sh", ("background",), "make run"))
    told = walk.printed("gateway")
    for heading in ("curl", "grpcurl", "Python", "The command line"):
        commands = textwrap.dedent(told.split(f"\n{heading}:\n")[1].split("\n\n")[0])
        # Streams go on until Ctrl-C.
        commands = re.sub(r"^(curl -N .*)$", r"\1 | head -n 3", commands, flags=re.MULTILINE)
        commands = re.sub(r"^(.* ticker .*)$", r"\1 --for 1", commands, flags=re.MULTILINE)
        walk.follow(Block("sh", (), commands))
    assert "total_equity_usd" in walk.output
    for address in re.findall(r"<(http://127\.0\.0\.1:[^>]+)>", (ROOT / "README.md").read_text()):
        walk.follow(Block("sh", (), f"curl -s {address}"))


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_every_block_says_what_it_is(document: Path) -> None:
    for block in blocks_of(document):
        assert block.language in {"sh", "python", "json", "yaml", "mermaid"}, block
        if block.language == "sh":
            assert set(block.words) <= {"background", "shown"}, block
        if "shown" in block.words:
            for line in block.text.splitlines():
                assert _recipe(line.removeprefix("make ")), line


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_json_is_json_and_orders_are_orders(document: Path) -> None:
    for block in blocks_of(document):
        if block.language == "json":
            content = json.loads(block.text)
            if "clientOrderId" in content:
                request = gateway_service_pb2.PlaceOrderRequest(account="main")
                json_format.ParseDict(content, request)
                translate.check(request)


def _recipe(target: str) -> str:
    """The last command that make runs for a target; fails where there is no such target."""
    shown = subprocess.run(
        [_program("make"), "--dry-run", "--no-print-directory", target],
        cwd=ROOT,
        capture_output=True,
        check=True,
        text=True,
    )
    return shown.stdout.strip().splitlines()[-1]


def _program(name: str) -> str:
    found = shutil.which(name)
    assert found is not None, f"{name} is not installed"
    return found


def _tools(folder: Path) -> Path:
    tools = folder / "bin"
    tools.mkdir()
    if shutil.which("grpcurl") is None:
        stand_in = Path(__file__).with_name("grpcurl_stand_in.py")
        script = tools / "grpcurl"
        script.write_text(f'#!/bin/sh\nexec {sys.executable} {stand_in} "$@"\n')
        script.chmod(0o755)
    return tools


def _exported(path: Path) -> dict[str, str]:
    pattern = re.compile(r'^declare -x (OKX_GATEWAY_\w+)="(.*)"$', re.MULTILINE)
    return dict(pattern.findall(path.read_text()))


def _read(leader: int) -> str:
    try:
        return os.read(leader, 4096).decode(errors="replace")
    except OSError:
        return ""  # what Linux says once the last process of the terminal has gone


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port
