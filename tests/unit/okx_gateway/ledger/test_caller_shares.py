import pytest
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.ledger.caller_shares import CallerShare, CallerShares, caller_shares_from


def test_shares_are_read_as_they_are_written() -> None:
    shares = caller_shares_from("algo=20-60, web=10-30,*=0-50")
    assert shares.of("algo") == CallerShare(20, 60)
    assert shares.of("web") == CallerShare(10, 30)
    assert shares.of("anybody") == CallerShare(0, 50)
    assert shares.pool(60) == 60 - 12 - 6


def test_without_any_everybody_may_take_all() -> None:
    shares = caller_shares_from("")
    assert shares.of("algo") == CallerShare(0, 100)
    assert shares.pool(60) == 60


@pytest.mark.parametrize(
    ("text", "rule"),
    [
        ("algo", "entries such as"),
        ("algo=20", "entries such as"),
        ("Algo=1-2", "entries such as"),
        ("algo=-1-2", "entries such as"),
        ("algo=60-20", "at most its maximum"),
        ("algo=0-0", "at most its maximum"),
        ("algo=0-101", "at most its maximum"),
        ("algo=1-2,algo=1-2", "once"),
        ("*=10-50", "nothing to \\*"),
        ("a=60-60,b=41-41", "100 percent"),
        (",".join(f"a{n}=0-1" for n in range(40)), "at most 32"),
    ],
)
def test_what_is_wrong_is_named(text: str, rule: str) -> None:
    with pytest.raises(ValueError, match=rule):
        caller_shares_from(text)


@given(st.dictionaries(st.text("abc", min_size=1), st.integers(0, 20), max_size=5), st.integers(0))
def test_pool_and_guarantees_make_the_whole(guarantees: dict[str, int], count: int) -> None:
    shares = CallerShares({name: CallerShare(part, 100) for name, part in guarantees.items()})
    kept = sum(count * part // 100 for part in guarantees.values())
    assert shares.pool(count) + kept == count
    assert shares.pool(count) >= 0


def test_all_of_a_window_may_be_promised() -> None:
    assert caller_shares_from("a=60-60,b=40-40").pool(60) == 0
