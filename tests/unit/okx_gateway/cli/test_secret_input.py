import os
import sys
from collections.abc import Iterator

import click
import pytest

from okx_gateway.cli.secret_input import read_secrets

SECRETS = ("planted-key", "planted-secret", "planted phrase")


@pytest.fixture
def pipe() -> Iterator[tuple[int, int]]:
    ends = os.pipe()
    yield ends
    for end in ends:
        try:
            os.close(end)
        except OSError:
            continue


def given(pipe: tuple[int, int], content: bytes) -> int:
    reading, writing = pipe
    os.write(writing, content)
    os.close(writing)
    return reading


@pytest.mark.parametrize("end", [b"", b"\n", b"\r\n"])
def test_three_lines_are_three_secrets(pipe: tuple[int, int], end: bytes) -> None:
    content = b"\n".join(secret.encode() for secret in SECRETS) + end
    assert read_secrets(given(pipe, content)) == SECRETS


@pytest.mark.parametrize("content", [b"", b"planted\nplanted", b"a\nb\nplanted\nd\n", b"x" * 5000])
def test_anything_else_is_refused_unseen(pipe: tuple[int, int], content: bytes) -> None:
    with pytest.raises(click.UsageError, match="three lines") as caught:
        read_secrets(given(pipe, content))
    assert "planted" not in str(caught.value)


def test_a_descriptor_that_is_not_open_is_told() -> None:
    with pytest.raises(click.UsageError, match="cannot read file descriptor"):
        read_secrets(987)


def test_without_a_terminal_nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    with open(os.devnull) as nothing:  # noqa: PTH123  # a text stream in place of standard input
        monkeypatch.setattr(sys, "stdin", nothing)
        with pytest.raises(click.UsageError, match="--secrets-fd"):
            read_secrets(None)
