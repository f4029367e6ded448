import ast
from http import HTTPStatus
from pathlib import Path

import pytest

import okx_simulator
from okx_simulator.error_code import MESSAGES, STATUSES, RefusedError, status_of


def test_every_code_that_is_refused_with_has_words() -> None:
    used = set()
    for path in Path(okx_simulator.__file__).parent.rglob("*.py"):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Call) and getattr(node.func, "id", "") == "RefusedError":
                used |= {one.value for one in ast.walk(node) if isinstance(one, ast.Constant)}
    codes = {word for word in used if isinstance(word, str) and word.isdigit()}
    assert len(codes) > 50
    assert codes <= set(MESSAGES)


@pytest.mark.parametrize(
    ("code", "status"),
    [
        ("51008", 200),
        ("50011", 429),
        ("50113", 401),
        ("50002", 400),
        ("50001", 503),
        ("50115", 405),
    ],
)
def test_statuses(code: str, status: int) -> None:
    assert status_of(code) == status


def test_statuses_are_never_success() -> None:
    assert HTTPStatus.OK not in STATUSES.values()


def test_a_refusal_fills_in_the_words() -> None:
    error = RefusedError("51006", "2", "1")
    assert "max buy price: 2 , min sell price: 1" in error.message
    assert str(error).startswith("51006 ")
