"""What tests of every folder ask for."""

from collections.abc import Iterator

import pytest

from tests.fakes.metering import Metered


@pytest.fixture
def metered(monkeypatch: pytest.MonkeyPatch) -> Iterator[Metered]:
    metered = Metered(monkeypatch)
    yield metered
    metered.close()
