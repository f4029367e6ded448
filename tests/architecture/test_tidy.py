"""Style that a linter does not know: sizes, names, and what may not stand in any file."""

import ast
import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]
FILE_LINES_MAX = 350
FUNCTION_LINES_MAX = 50
# A table of keys is read as a table, however long it is.
LONG_FUNCTIONS = {"src/okx_simulator/account/position_row.py:position_row"}
BANNED_WORDS = {
    *("utils", "util", "helpers", "helper", "common", "misc", "base", "manager", "handler"),
    *("service", "impl", "data", "info", "core", "engine"),
}
# What would tie the project to the place where it was written, or hide unfinished work.
BANNED_TEXT = re.compile(
    r"/(?:work|root|home)/|\bT[O]DO\b|\bF[I]XME\b|pypi\.org|pythonhosted|registry\.npmjs|proxy\.golang"
)


def tracked() -> list[Path]:
    command = ["git", "ls-files", "-z"]
    listed = subprocess.run(command, cwd=ROOT, capture_output=True, check=True)
    return [ROOT / name for name in listed.stdout.decode().split("\0") if name]


def sources() -> list[Path]:
    return [
        path
        for path in sorted((ROOT / "src").rglob("*.py"))
        if "api" not in path.relative_to(ROOT / "src").parts
    ]


def named(path: Path) -> str:
    return str(path.relative_to(ROOT))


def functions(path: Path) -> Iterator[tuple[str, int]]:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef):
            first = node.body[1] if len(node.body) > 1 and _is_text(node.body[0]) else node.body[0]
            yield node.name, (node.end_lineno or 0) - first.lineno + 1


def _is_text(node: ast.stmt) -> bool:
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant)


def test_no_file_is_too_long() -> None:
    long = {named(path): len(path.read_text().splitlines()) for path in sources()}
    assert not {name: lines for name, lines in long.items() if lines > FILE_LINES_MAX}


def test_no_function_is_too_long() -> None:
    long = {
        f"{named(path)}:{name}": lines
        for path in sources()
        for name, lines in functions(path)
        if lines > FUNCTION_LINES_MAX
    }
    assert set(long) <= LONG_FUNCTIONS, long


def test_no_name_says_nothing() -> None:
    wrong = [
        f"{named(path)}: {word}"
        for path in sources()
        for word in {
            *path.stem.split("_"),
            *(
                part.lower()
                for node in ast.walk(ast.parse(path.read_text()))
                if isinstance(node, ast.ClassDef)
                for part in re.findall(r"[A-Z][a-z]+", node.name)
            ),
        }
        if word in BANNED_WORDS
    ]
    assert not wrong


def test_every_module_says_what_it_answers() -> None:
    silent = [
        named(path) for path in sources() if not ast.get_docstring(ast.parse(path.read_text()))
    ]
    assert not silent


@pytest.mark.parametrize("path", tracked(), ids=named)
def test_nothing_ties_the_project_to_a_place(path: Path) -> None:
    if not path.exists() or path == Path(__file__).resolve():
        return
    try:
        text = path.read_text(encoding="utf-8")
    except UnicodeDecodeError:
        return
    found = BANNED_TEXT.search(text)
    assert found is None, f"{named(path)} has {found[0]!r}"
