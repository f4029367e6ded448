"""Each module has the test that mirrors it, and each unit test a module that it mirrors."""

import ast
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = ("okx_gateway", "okx_simulator")
# Tested elsewhere, each for a reason.
WITHOUT_MIRROR = {
    "okx_gateway/app.py": "the scenarios run what it composes",
    "okx_gateway/__main__.py": "the scenarios start it",
    "okx_gateway/cli/main.py": "a list of commands",
    "okx_gateway/cli/serve.py": "the scenarios run it as a process",
    "okx_gateway/cli/local.py": "tests/docs runs `run`, and `make demo` is run by people",
    "okx_gateway/cli/local_set.py": "tests/docs runs it",
    "okx_gateway/cli/demo_tour.py": "it checks itself as it goes",
    "okx_gateway/market_parts.py": "as app.py, for which it is made",
    "okx_gateway/parts.py": "as app.py, for which it is made",
    "okx_gateway/okx/socket_event.py": "values without behaviour",
    "okx_simulator/event.py": "values without behaviour",
    "okx_gateway/ledger_parts.py": "as parts.py, of which it is a part",
    "okx_gateway/live_parts.py": "the scenarios run what it composes",
    "okx_gateway/domain/account.py": "a value without behaviour",
    "okx_gateway/domain/balance.py": "a value without behaviour",
    "okx_gateway/domain/balance_event.py": "values without behaviour",
    "okx_gateway/domain/instrument.py": "a value without behaviour",
    "okx_gateway/domain/order.py": "values without behaviour",
    "okx_gateway/domain/order_event.py": "values without behaviour",
    "okx_gateway/domain/candle.py": "values without behaviour",
    "okx_gateway/domain/market_notice.py": "values without behaviour",
    "okx_gateway/domain/order_book.py": "values without behaviour",
    "okx_gateway/domain/trade.py": "values without behaviour",
    "okx_gateway/domain/ticker.py": "values without behaviour",
}


def modules() -> set[str]:
    """Modules with code of their own, as paths below src."""
    return {
        str(path.relative_to(ROOT / "src"))
        for package in PACKAGES
        for path in (ROOT / "src" / package).rglob("*.py")
        if "okx_gateway/api" not in str(path)
        and any(
            isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef)
            for node in ast.parse(path.read_text()).body
        )
    }


def mirror_of(module: str) -> str:
    path = Path(module)
    return str(path.with_name(f"test_{path.stem.strip('_')}.py"))


def mirrors() -> set[str]:
    return {
        str(path.relative_to(ROOT / "tests" / "unit"))
        for path in (ROOT / "tests" / "unit").rglob("test_*.py")
    }


def test_every_module_has_its_test() -> None:
    missing = {each for each in modules() if mirror_of(each) not in mirrors()}
    assert not sorted(missing - set(WITHOUT_MIRROR))


def test_no_exception_has_become_needless() -> None:
    assert not sorted(
        each for each in WITHOUT_MIRROR if each not in modules() or mirror_of(each) in mirrors()
    )


def test_every_unit_test_mirrors_a_module() -> None:
    expected = {
        mirror_of(str(path.relative_to(ROOT / "src"))) for path in (ROOT / "src").rglob("*.py")
    }
    assert not sorted(mirrors() - expected)
