from pathlib import Path

import pytest
from click.testing import CliRunner

from okx_gateway.access.identity_file import IdentityFile
from okx_gateway.cli.identity import identity


async def test_a_token_that_was_made_is_known_by_its_line(tmp_path: Path) -> None:
    made = CliRunner().invoke(identity, ["token", "web"])
    assert made.exit_code == 0
    path = tmp_path / "identities.yaml"
    path.write_text(f"callers:\n  tokens:\n    {made.stderr}")
    assert made.stdout.strip() not in path.read_text()
    checked = CliRunner().invoke(identity, ["check", str(path)])
    assert checked.output == "callers: web\noperators: nobody\n"
    file = IdentityFile(path)
    file.read()
    headers = [("authorization", f"Bearer {made.stdout.strip()}")]
    assert await file.caller_of(headers, None) == "web"


def test_no_token_is_made_twice() -> None:
    made = {CliRunner().invoke(identity, ["token", "web"]).stdout for _ in range(10)}
    assert len(made) == 10
    assert all(len(each) >= 43 for each in made)


@pytest.mark.parametrize("name", ["Web", "", "a b", "a\n"])
def test_a_name_of_another_form_is_refused(name: str) -> None:
    assert CliRunner().invoke(identity, ["token", name]).exit_code == 2


def test_everything_that_is_wrong_with_a_file_is_told(tmp_path: Path) -> None:
    path = tmp_path / "identities.yaml"
    path.write_text("callers:\n  tokens: [{name: Web, sha256: x}]\n")
    checked = CliRunner().invoke(identity, ["check", str(path)])
    assert checked.exit_code == 1
    assert "callers.tokens.0.name" in checked.output
    assert "callers.tokens.0.sha256" in checked.output
