"""Checks that the generated API is that of the proto files, is well styled, and breaks no caller.

Runs buf on the image that protoc makes, so that no module has to be fetched. The API of the last
release is kept as an image in proto/released.binpb once there is a release.
"""

import filecmp
import subprocess
import sys
import tempfile
from pathlib import Path

import generate_api

ROOT = Path(__file__).resolve().parent.parent
IMAGE = ROOT / "build" / "api.binpb"
RELEASED = ROOT / "proto" / "released.binpb"


def main() -> None:
    """Exit with a message where the API is not as it should be."""
    with tempfile.TemporaryDirectory() as folder:
        generate_api.main(Path(folder))
        fresh = Path(folder) / "okx_gateway" / "api"
        committed = ROOT / "src" / "okx_gateway" / "api"
        stale = sorted(_differing(fresh, committed))
    if stale:
        sys.exit(f"run `make proto`: these are not what proto/ says: {', '.join(stale)}")
    _buf("lint", str(IMAGE))
    if RELEASED.exists():
        _buf("breaking", str(IMAGE), "--against", str(RELEASED))
    sys.stdout.write("API: generated code is fresh, buf lint and breaking are clean\n")


def _differing(fresh: Path, committed: Path) -> set[str]:
    files = {
        str(path.relative_to(folder))
        for folder in (fresh, committed)
        for path in folder.rglob("*")
        if path.is_file() and path.suffix != ".pyc"
    }
    return {
        name
        for name in files
        if not ((fresh / name).exists() and (committed / name).exists())
        or not filecmp.cmp(fresh / name, committed / name, shallow=False)
    }


def _buf(*arguments: str) -> None:
    done = subprocess.run(["buf", *arguments, "--config", str(ROOT / "buf.yaml")], check=False)
    if done.returncode:
        sys.exit(done.returncode)


if __name__ == "__main__":
    main()
