from collections.abc import Mapping
from pathlib import Path

import click
import pytest
from click.testing import CliRunner, Result

from okx_gateway.cli.channel import ChannelOptions, channel_options

SEEN: list[ChannelOptions] = []


@click.command()
@channel_options
def command(*, channel: ChannelOptions) -> None:
    SEEN.append(channel)


def run(*arguments: str, environ: Mapping[str, str] | None = None) -> Result:
    return CliRunner().invoke(command, arguments, env=environ)


@pytest.fixture
def files(tmp_path: Path) -> dict[str, str]:
    contents = {"token": "t0ken\n", "ca": "C", "crt": "c", "key": "k", "two": "a\nb"}
    for name, text in contents.items():
        (tmp_path / name).write_text(text)
    return {name: str(tmp_path / name) for name in contents}


def test_nothing_is_shown_where_nothing_is_given() -> None:
    assert run().exit_code == 0
    assert SEEN[-1] == ChannelOptions()
    assert SEEN[-1].metadata() == []


def test_options_and_variables_say_the_same(files: dict[str, str]) -> None:
    options = ("--token-file", files["token"], "--ca-file", files["ca"])
    assert run(*options, "--certificate", files["crt"], "--key", files["key"]).exit_code == 0
    environ = {
        "OKX_GATEWAY_TOKEN_FILE": files["token"],
        "OKX_GATEWAY_CA_FILE": files["ca"],
        "OKX_GATEWAY_CLIENT_CERTIFICATE_FILE": files["crt"],
        "OKX_GATEWAY_CLIENT_KEY_FILE": files["key"],
    }
    assert run(environ=environ).exit_code == 0
    assert SEEN[-1] == SEEN[-2] == ChannelOptions("t0ken", b"C", b"c", b"k")
    assert SEEN[-1].metadata() == [("authorization", "Bearer t0ken")]


@pytest.mark.parametrize(
    "given",
    [
        {"--certificate": "crt", "--ca-file": "ca"},
        {"--key": "key"},
        {"--certificate": "crt", "--key": "key"},
        {"--token-file": "two"},
    ],
)
def test_what_does_not_go_together_is_refused(files: dict[str, str], given: dict[str, str]) -> None:
    result = run(*(part for name, file in given.items() for part in (name, files[file])))
    assert result.exit_code == 2
    assert "must hold one token" in result.output or "needs --key" in result.output


def test_a_file_that_is_not_there_is_told() -> None:
    assert run("--token-file", "/none").exit_code == 2
