"""Do the documents agree with the code and with each other?  Reads files, runs a tool of tools/."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from google.protobuf import descriptor_pb2, json_format

from okx_gateway.api.v1.error_reason_pb2 import ErrorReason
from okx_gateway.domain import errors
from okx_gateway.edge.status import status_of
from okx_gateway.okx.endpoint import Endpoint
from okx_simulator.fault.rule import Kind
from tests.fakes.errors import EVERY_ERROR

ROOT = Path(__file__).resolve().parents[2]
SOURCE = ROOT / "src" / "okx_gateway"
DOCUMENTS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/*.md")])
_LINK = re.compile(r"\[[^\]]+\]\(([^)\s]+)\)")
_PATH = re.compile(r"`([\w./-]+(?:\.(?:py|lua|proto|lock|toml|binpb|md)|/))`")
_REASON_ROW = re.compile(
    r"^\| `(?P<reason>[A-Z_]+)` \| (?P<code>[A-Z_]+) \| (?P<http>\d+) \|", re.MULTILINE
)
# Written by a command or by the reader, so in no clone.
_MADE = {"four_calls.py"}


def text_of(name: str) -> str:
    return (ROOT / name).read_text(encoding="utf-8")


def anchors_of(document: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", document.read_text(encoding="utf-8"), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title).lower().replace(" ", "-") for title in titles}


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document: Path) -> None:
    for link in _LINK.findall(document.read_text(encoding="utf-8")):
        if link.startswith("https://"):
            continue
        path, _, anchor = link.partition("#")
        target = (document.parent / path).resolve() if path else document
        assert target.exists(), link
        if anchor:
            assert anchor in anchors_of(target), link


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_files_that_are_named_exist(document: Path) -> None:
    for path in set(_PATH.findall(document.read_text(encoding="utf-8"))) - _MADE:
        found = [root / path for root in (ROOT, SOURCE)]
        assert any(each.exists() for each in found), path


def test_the_page_of_settings_is_what_the_settings_say() -> None:
    done = subprocess.run(
        [sys.executable, str(ROOT / "tools" / "write_docs.py"), "--check"],
        capture_output=True,
        check=False,
        text=True,
    )
    assert done.returncode == 0, done.stderr


def test_every_reason_stands_in_the_table_of_errors_with_its_codes() -> None:
    told = {
        row["reason"]: (row["code"], int(row["http"]))
        for row in _REASON_ROW.finditer(text_of("docs/errors.md"))
    }
    expected = {name.removeprefix("ERROR_REASON_") for name in ErrorReason.keys()}  # noqa: SIM118  # an enum wrapper is not iterable
    assert set(told) == expected - {"UNSPECIFIED"}
    assert told == {"INTERNAL": ("INTERNAL", 500)} | _codes_by_reason()


def test_the_example_of_an_error_is_one() -> None:
    [example] = re.findall(r"```json\n(.*?)```", text_of("docs/errors.md"), re.DOTALL)
    status = status_of(errors.BudgetExhaustedError("place_order:BTC-USDT", 740))
    assert json.loads(example) == json_format.MessageToDict(status.proto)


def test_the_file_for_other_languages_has_all_that_the_api_imports() -> None:
    files = descriptor_pb2.FileDescriptorSet.FromString((SOURCE / "api/api.binpb").read_bytes())
    assert "src/okx_gateway/api/api.binpb" in text_of("README.md")
    names = {file.name for file in files.file}
    assert "okx_gateway/api/v1/gateway_service.proto" in names
    assert {each for file in files.file for each in file.dependency} <= names


def test_every_kind_of_fault_is_told() -> None:
    page = text_of("docs/simulator.md")
    assert [kind.value for kind in Kind if f"`{kind.value}`" not in page] == []


def test_the_number_of_signed_requests_is_told() -> None:
    assert sum(endpoint.private for endpoint in Endpoint) == 11
    assert "closed list of eleven requests" in text_of("SECURITY.md")


def test_every_target_of_make_is_told_to_contributors() -> None:
    makefile = text_of("Makefile")
    targets = re.findall(r"^([a-z]+):.*## ", makefile, re.MULTILINE)
    told = text_of("CONTRIBUTING.md")
    assert [name for name in targets if name != "help" and f"`make {name}`" not in told] == []


def _codes_by_reason() -> dict[str, tuple[str, int]]:
    """What callers are really told, by an error of each kind."""
    told = {}
    for error in EVERY_ERROR:
        status = status_of(error)
        reason = status.reason.removeprefix("ERROR_REASON_")
        told[reason] = (status.grpc_code.name, status.http_status)
    return told
