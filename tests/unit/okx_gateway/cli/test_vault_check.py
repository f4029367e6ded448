import asyncio
import base64
import hashlib
import hmac
import json
import threading
import time
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
from click.testing import CliRunner

from okx_gateway.cli import vault_check
from okx_gateway.cli.vault import vault
from okx_gateway.cli.vault_check import RecordCheck, check_offline, check_online
from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.sealed_record import SealedRecord, seal
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultKey
from okx_gateway.settings import Settings

KEY = VaultKey(bytes(32))
SECRET, PASSPHRASE = "planted-secret", "planted phrase"
PATH = "/api/v5/account/config"


class Exchange(BaseHTTPRequestHandler):
    """As much of OKX as a check asks for; answers by the API key and verifies signatures."""

    protocol_version = "HTTP/1.1"
    seen: list[dict[str, str]]

    def do_GET(self) -> None:
        headers = {name.lower(): text for name, text in self.headers.items()}
        if self.path == "/api/v5/public/time":
            self.answer(
                200, {"code": "0", "msg": "", "data": [{"ts": str(time.time_ns() // 10**6)}]}
            )
            return
        self.seen.append(headers)
        self.answer(*self.config(headers))

    def config(self, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
        message = f"{headers['ok-access-timestamp']}GET{PATH}".encode()
        mac = hmac.digest(SECRET.encode(), message, hashlib.sha256)
        name = headers["ok-access-key"]
        if self.path != PATH or headers["ok-access-sign"] != base64.b64encode(mac).decode():
            return 401, {"code": "50113", "msg": "Invalid Sign", "data": []}
        if (headers.get("x-simulated-trading") == "1") is name.startswith("live"):
            return 401, {"code": "50101", "msg": "APIKey does not match", "data": []}
        if name == "redirected":
            return 302, {}
        row = {
            "uid": "447",
            "acctLv": "1",
            "posMode": "net_mode",
            "perm": "read_only,trade",
            "ip": "",
        }
        if name == "withdrawing":
            row["perm"] = "read_only,trade,withdraw"
        return 200, {"code": "0", "msg": "", "data": [row]}

    def answer(self, status: int, body: dict[str, Any]) -> None:
        content = json.dumps(body).encode()
        self.send_response(status)
        if status == 302:
            self.send_header("Location", "/elsewhere")
        self.send_header("Content-Length", str(len(content)))
        self.end_headers()
        self.wfile.write(content)

    def log_message(self, *args: object) -> None:
        """Keep the test's output clean."""


@pytest.fixture
def exchange(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    monkeypatch.setattr(vault_check, "_PAUSE_S", 0.0)
    Exchange.seen = []
    server = ThreadingHTTPServer(("127.0.0.1", 0), Exchange)
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    yield f"http://127.0.0.1:{server.server_address[1]}"
    server.shutdown()
    server.server_close()
    thread.join()


def a_record(
    key: str, environment: Environment = Environment.DEMO, secret: str = SECRET
) -> SealedRecord:
    credential = Credential(
        account="desk-7", environment=environment, version=1, secrets=(key, secret, PASSPHRASE)
    )
    return seal(credential, KEY, add_time="2026-11-22T12:00:00Z")


def check(url: str, *records: SealedRecord) -> list[RecordCheck]:
    return asyncio.run(check_online(records, KEY, Settings.model_validate({"okx_rest_url": url})))


def test_a_key_that_works_is_told_of(exchange: str) -> None:
    (checked,) = check(exchange, a_record("demo-key"))
    assert checked.faults == ()
    assert checked.verdict is not None
    assert checked.verdict.uid == "447"
    assert checked.verdict.account_level == "spot"
    assert Exchange.seen[0]["ok-access-passphrase"] == PASSPHRASE


def test_a_live_key_is_asked_about_on_the_live_market(exchange: str) -> None:
    (checked,) = check(exchange, a_record("live-key", Environment.LIVE))
    assert checked.faults == ()
    assert checked.verdict is not None
    assert "no IP address" in checked.verdict.warnings[0]


@pytest.mark.parametrize(
    ("record", "words"),
    [
        (a_record("withdrawing"), "may withdraw"),
        (a_record("demo-key", secret="other-secret"), "the secret key is another one"),
        (a_record("live-key"), "the key is of the other environment"),
        (a_record("redirected"), "could not ask OKX"),
    ],
)
def test_a_key_that_does_not_work_says_why(exchange: str, record: SealedRecord, words: str) -> None:
    (checked,) = check(exchange, record)
    assert words in checked.faults[0]
    assert "planted" not in str(checked)
    assert all(headers.get("host", "").startswith("127.0.0.1") for headers in Exchange.seen)


def test_a_redirect_is_not_followed(exchange: str) -> None:
    check(exchange, a_record("redirected"))
    assert len(Exchange.seen) == 1


def test_a_proxy_in_the_environment_gets_nothing(
    exchange: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    for name in ("HTTP_PROXY", "http_proxy", "ALL_PROXY"):
        monkeypatch.setenv(name, "http://127.0.0.1:9")
    (checked,) = check(exchange, a_record("demo-key"))
    assert checked.faults == ()


def test_one_bad_record_does_not_keep_the_others_from_being_checked(exchange: str) -> None:
    other = VaultKey(bytes([1]) * 32)
    credential = Credential(
        account="desk-8",
        environment=Environment.DEMO,
        version=1,
        secrets=("demo-key", SECRET, PASSPHRASE),
    )
    foreign = seal(credential, other, add_time="2026-11-22T12:00:00Z")
    first, second = check(exchange, foreign, a_record("demo-key"))
    assert "sealed with vault key" in first.faults[0]
    assert second.faults == ()


def test_an_exchange_that_is_away_is_told_of() -> None:
    (checked,) = check("http://127.0.0.1:9", a_record("demo-key"))
    assert "could not ask OKX" in checked.faults[0]
    assert checked.verdict is None


def test_offline_nobody_is_asked(exchange: str) -> None:
    (checked,) = check_offline([a_record("demo-key")], KEY)
    assert checked == RecordCheck(checked.record, (), None)
    assert Exchange.seen == []


def test_the_command_tells_people_and_programs(exchange: str, tmp_path: Path) -> None:
    held = VaultFile(tmp_path / "vault.json")
    held.create()
    held.add("desk-7", Environment.DEMO, ("demo-key", SECRET, PASSPHRASE), KEY)
    held.add("desk-8", Environment.DEMO, ("withdrawing", SECRET, PASSPHRASE), KEY)
    environ = {
        "OKX_GATEWAY_OKX_REST_URL": exchange,
        "OKX_GATEWAY_VAULT_PATH": str(held.path),
        "OKX_GATEWAY_VAULT_KEY": base64.b64encode(bytes(32)).decode(),
    }
    good = CliRunner().invoke(vault, ["check", "desk-7"], env=environ)
    assert good.exit_code == 0
    assert "uid 447, spot account, net positions; may read_only, trade; not bound" in good.stdout
    both = CliRunner().invoke(vault, ["check", "--json"], env=environ)
    assert both.exit_code == 1
    first, second = json.loads(both.stdout)
    assert (first["usable"], second["usable"]) == (True, False)
    assert first["permissions"] == ["read_only", "trade"]
    assert "withdraw" in second["faults"][0]
    assert "planted" not in good.output + both.output
