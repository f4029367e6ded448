"""A module that calls itself pure is held to it, and every one that is held to it says so."""

import ast
import re
import tomllib
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
CONTRACT = "Decisions do no I/O"
# `Pure.`, and not `Pure but for the spans it hands on.`
SAYS_PURE = re.compile(r"\b[Pp]ure\b(?!,? but)")
# Not in the contract, each for a reason.
UNLISTED = {
    "okx_gateway.edge.status": "names the status codes of grpc, and calls nothing of it",
    "okx_gateway.custody.vault_key": "draws the random key, which is all it asks of the system",
}


def contract() -> set[str]:
    """The modules that import-linter keeps from doing I/O."""
    settings = tomllib.loads((ROOT / "pyproject.toml").read_text())
    [found] = [
        each for each in settings["tool"]["importlinter"]["contracts"] if each["name"] == CONTRACT
    ]
    return set(found["source_modules"])


def said_pure() -> set[str]:
    paths = [
        path for path in (ROOT / "src" / "okx_gateway").rglob("*.py") if "api" not in path.parts
    ]
    return {
        ".".join(path.relative_to(ROOT / "src").with_suffix("").parts)
        for path in paths
        if SAYS_PURE.search(ast.get_docstring(ast.parse(path.read_text())) or "")
    }


def test_what_says_that_it_is_pure_is_held_to_it() -> None:
    assert sorted(said_pure() - set(UNLISTED)) == sorted(contract())


def test_no_exception_has_become_needless() -> None:
    assert not set(UNLISTED) - said_pure()
    assert not set(UNLISTED) & contract()
