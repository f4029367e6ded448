import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from okx_gateway.access import policy_file
from okx_gateway.access.policy_document import PolicyError
from okx_gateway.access.policy_file import PolicyFile
from okx_gateway.ledger.caller_shares import CallerShare
from tests.fakes.metering import Metered
from tests.fakes.okx_socket import until

TEXT = """
version: 1
revision: r1
callers:
  algo:
    share: {guaranteed_percent: 20, maximum_percent: 60}
    market: [GetTicker]
"""


@pytest.fixture
def path(tmp_path: Path) -> Path:
    path = tmp_path / "policy.yaml"
    path.write_text(TEXT)
    return path


@pytest.fixture
async def kept(path: Path, monkeypatch: pytest.MonkeyPatch) -> AsyncIterator[PolicyFile]:
    """A policy that is looked at all the time."""
    monkeypatch.setattr(policy_file, "_LOOK_EVERY_S", 0.01)
    kept = PolicyFile(
        path, on_account=frozenset({"PlaceOrder"}), on_market=frozenset({"GetTicker"})
    )
    kept.read()
    looking = asyncio.ensure_future(kept.keep_in_force())
    yield kept
    looking.cancel()


def test_a_file_that_cannot_be_read_is_no_policy(tmp_path: Path) -> None:
    missing = PolicyFile(tmp_path / "none.yaml", on_account=frozenset(), on_market=frozenset())
    with pytest.raises(PolicyError, match=r"cannot read .*none\.yaml: No such file or directory"):
        missing.read()


async def test_a_new_policy_is_in_force_soon(kept: PolicyFile, path: Path) -> None:
    assert kept.current.revision == "r1"
    assert kept.shares.of("algo") == CallerShare(20, 60)
    path.write_text(TEXT.replace("r1", "r2"))
    await until(lambda: kept.current.revision == "r2")


async def test_a_broken_policy_changes_nothing_and_is_told_once(
    kept: PolicyFile, path: Path, metered: Metered
) -> None:
    path.write_text(TEXT.replace("GetTicker", "GetTickers"))
    await until(lambda: metered.told("policy.reads") == {"refused": 1})
    await asyncio.sleep(0.1)
    assert metered.told("policy.reads") == {"refused": 1}
    assert kept.current.revision == "r1"
    path.unlink()
    await until(lambda: metered.told("policy.reads") == {"refused": 2})
    path.write_text(TEXT.replace("r1", "r3"))
    await until(lambda: kept.current.revision == "r3")
    assert metered.told("policy.reads") == {"refused": 2, "taken": 1}
