from typing import Any

import pytest

from tests.faults.arrivals import fullest, order_windows, throttled, used_share


def entry(at_us: int, target: str, *instruments: str, code: str = "0") -> dict[str, Any]:
    return {
        "method": "POST",
        "target": f"/api/v5/trade/{target}",
        "arrived_us": at_us,
        "code": code,
        "orders": [{"inst_id": each, "code": code} for each in instruments],
    }


@pytest.mark.parametrize(
    ("stamps_us", "most"),
    [
        ([], 0),
        ([5], 1),
        ([0, 2_000_000], 1),
        ([0, 1_999_999], 2),
        ([0, 1, 2_000_000, 2_000_001], 2),
        ([0, 0, 0, 1_000_000, 1_999_999, 2_000_000], 5),
    ],
)
def test_two_stamps_exactly_a_width_apart_are_not_in_one_stretch(
    stamps_us: list[int], most: int
) -> None:
    assert fullest(stamps_us) == most


@pytest.mark.parametrize("period_us", [2_000_000, 2_100_000, 2_200_000])
@pytest.mark.parametrize("spread_us", [0, 7_000, 35_000])
def test_the_share_used_is_that_of_the_period_however_a_round_is_spread(
    period_us: int, spread_us: int
) -> None:
    stamps_us = [round_ * period_us + n * spread_us for round_ in range(5) for n in range(60)]
    assert used_share(stamps_us, 60) == pytest.approx(2_000_000 / period_us)
    assert used_share(stamps_us[:119], 60) == 0


def test_batches_count_apart_by_order_and_a_batch_of_one_as_a_single_order() -> None:
    windows = order_windows(
        [
            entry(5, "batch-orders", "A", "A", "B"),
            entry(9, "batch-orders", "A"),
            entry(3, "order", "A"),
            entry(4, "cancel-order", "A"),
            {**entry(1, "order", "A"), "method": "GET"},
        ]
    )
    assert {name: (each.amount, each.stamps_us) for name, each in windows.items()} == {
        "batch-orders A": (300, [5, 5]),
        "batch-orders B": (300, [5]),
        "order A": (60, [3, 9]),
        "cancel-order A": (60, [4]),
    }


def test_a_request_is_throttled_by_its_own_code_or_by_that_of_an_order() -> None:
    batch = entry(0, "batch-orders", "A", "A")
    batch["orders"][1]["code"] = "50061"
    assert throttled([entry(0, "order", "A", code="50011"), entry(0, "order", "A"), batch]) == 2
