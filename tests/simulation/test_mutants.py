"""Promises that are broken by hand are seen to be broken."""

import shutil
from pathlib import Path

import pytest

from tests.simulation.mutants import MUTANTS, ROOT, Mutant, MutantError, apply, hunt_all

ENOUGH = 20
# Noticed within a few schedules: all of them are hunted with the long tests.
QUICK = (
    "an order is sent again when its reply is lost",
    "an order that is being sent is sent again",
    "a window takes one too many",
)


@pytest.mark.parametrize("mutant", MUTANTS, ids=lambda mutant: mutant.name)
def test_each_fits_the_sources(mutant: Mutant, tmp_path: Path) -> None:
    path = Path("src") / "okx_gateway" / mutant.path
    (tmp_path / path).parent.mkdir(parents=True)
    shutil.copy(ROOT / path, tmp_path / path)
    apply(mutant, tmp_path)
    assert (tmp_path / path).read_text() != (ROOT / path).read_text()


def test_there_are_enough_and_no_two_are_one() -> None:
    assert len({mutant.name for mutant in MUTANTS}) == len(MUTANTS) >= ENOUGH


def test_one_that_does_not_fit_fails_loudly(tmp_path: Path) -> None:
    path = tmp_path / "src" / "okx_gateway" / "there.py"
    path.parent.mkdir(parents=True)
    path.write_text("twice twice")
    for old in ("gone", "twice"):
        with pytest.raises(MutantError):
            apply(Mutant("a mutant", "there.py", old, "new"), tmp_path)


def test_some_are_caught() -> None:
    quick = [mutant for mutant in MUTANTS if mutant.name in QUICK]
    assert len(quick) == len(QUICK)
    assert all(hunt.caught for hunt in hunt_all(quick, schedules=100, jobs=2))


def test_one_that_breaks_nothing_is_not_caught() -> None:
    harmless = Mutant("harmless", "okx/code.py", 'SUCCESS = "0"', 'SUCCESS = "0"  # as it was')
    [hunt] = hunt_all([harmless], schedules=10)
    assert (hunt.caught, hunt.schedules) == (False, 10)
