import asyncio
import hashlib
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from okx_gateway.access import identity_file, jwks_file
from okx_gateway.access.identity_document import IdentityError
from okx_gateway.access.identity_file import IdentityFile
from okx_gateway.domain.access_errors import UnauthenticatedError
from tests.support.identities import AUDIENCE, ISSUER, SUBJECT, Signer


def tokens(**sections: str) -> str:
    return json.dumps(
        {
            section: {
                "tokens": [{"name": name, "sha256": hashlib.sha256(name.encode()).hexdigest()}]
            }
            for section, name in sections.items()
        }
    )


def bearer(token: str) -> list[tuple[str, str]]:
    return [("authorization", f"Bearer {token}")]


async def test_callers_and_operators_are_not_each_other(tmp_path: Path) -> None:
    path = tmp_path / "identities.yaml"
    path.write_text(tokens(callers="web", operators="ops"))
    file = IdentityFile(path)
    file.read()
    assert await file.caller_of(bearer("web"), None) == "web"
    assert await file.operator_of(bearer("ops"), None) == "ops"
    with pytest.raises(UnauthenticatedError):
        await file.caller_of(bearer("ops"), None)
    with pytest.raises(UnauthenticatedError):
        await file.operator_of(bearer("web"), None)


async def test_nobody_is_known_before_it_is_read(tmp_path: Path) -> None:
    file = IdentityFile(tmp_path / "identities.yaml")
    with pytest.raises(UnauthenticatedError):
        await file.caller_of(bearer("web"), None)
    with pytest.raises(IdentityError, match=r"cannot read .*No such file"):
        file.read()


async def test_a_change_is_in_force_and_a_broken_one_is_not(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(identity_file, "_LOOK_EVERY_S", 0.01)
    monkeypatch.setattr(jwks_file, "_LOOK_EVERY_S", 0.01)
    signer, path, keys = Signer(), tmp_path / "identities.yaml", tmp_path / "jwks.json"
    keys.write_text(json.dumps(signer.jwks()))
    path.write_text(tokens(callers="web"))
    file = IdentityFile(path)
    file.read()
    task = asyncio.create_task(file.keep_in_force())
    with capture_logs() as logs:
        path.write_text("broken: [")
        await asyncio.sleep(0.1)
        assert await file.caller_of(bearer("web"), None) == "web"
        path.unlink()
        await asyncio.sleep(0.1)
        assert await file.caller_of(bearer("web"), None) == "web"
        issuer = {"issuer": ISSUER, "audience": AUDIENCE, "jwks_path": str(keys)}
        names = [{"value": SUBJECT, "name": "algo"}]
        path.write_text(json.dumps({"callers": {"jwt": [{**issuer, "names": names}]}}))
        await asyncio.sleep(0.2)
    assert await file.caller_of(bearer(signer.token()), None) == "algo"
    with pytest.raises(UnauthenticatedError):
        await file.caller_of(bearer("web"), None)
    assert [each["log_level"] for each in logs] == ["error", "error", "info"]
    task.cancel()
    await asyncio.gather(task, return_exceptions=True)
    await asyncio.sleep(0)
