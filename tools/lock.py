"""Pins every dependency with its hashes: requirements.lock to run, the other to develop.

Needs uv, which is not a dependency of the project: `pip install uv` where this is run.
"""

import subprocess
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
_COMPILE = [
    *("uv", "pip", "compile", "pyproject.toml", "--generate-hashes", "--universal", "--quiet"),
    *("--python-version", "3.11", "--no-header", "--no-annotate", "--all-extras"),
]


def main() -> None:
    """Write both locks; what both pin, they pin alike."""
    develop, run = "requirements-dev.lock", "requirements.lock"
    _compile("--group", "pyproject.toml:dev", "-o", develop)
    _compile("--group", "pyproject.toml:build", "-c", develop, "-o", run)


def _compile(*arguments: str) -> None:
    subprocess.run([*_COMPILE, *arguments], cwd=ROOT, check=True)


if __name__ == "__main__":
    main()
