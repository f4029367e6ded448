import asyncio
import json
from pathlib import Path

import pytest
from structlog.testing import capture_logs

from okx_gateway.access import jwks_file
from okx_gateway.access.jwks_file import JwksFile
from tests.support.identities import Signer


async def test_keys_follow_the_file_and_survive_a_broken_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(jwks_file, "_LOOK_EVERY_S", 0.01)
    path = tmp_path / "jwks.json"
    source = JwksFile(path)
    task = asyncio.create_task(source.keep())
    try:
        with capture_logs() as logs:
            await asyncio.sleep(0.1)
            assert await source.key("RS256") is None
            path.write_text(json.dumps(Signer().jwks()))
            await asyncio.sleep(0.1)
            assert await source.key("RS256")
            path.write_text("broken")
            await asyncio.sleep(0.1)
            assert await source.key("RS256")
        assert [each["because"] for each in logs] == [
            "No such file or directory",
            "is not a JSON Web Key Set",
        ]
        one = Signer().jwks()["keys"][1:]
        path.write_text(json.dumps({"keys": one}))
        await asyncio.sleep(0.1)
        assert await source.key("RS256") is None
        assert await source.key("ES256") == one[0]
    finally:
        task.cancel()
