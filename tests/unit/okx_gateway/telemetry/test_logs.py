import io
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import structlog
from opentelemetry.sdk.trace import TracerProvider

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.telemetry.logs import install_logs

SECRET = "planted-secret-words"


@pytest.fixture(autouse=True)
def _logging_as_before() -> Iterator[None]:
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def lines(write: Callable[[], object], level: str = "info") -> list[dict[str, Any]]:
    stream = io.StringIO()
    install_logs(level, "json", stream)
    write()
    return [json.loads(line) for line in stream.getvalue().splitlines()]


def fail() -> None:
    held_in_a_local = SECRET
    raise ValueError(f"{len(held_in_a_local)} characters")


def log_a_failure(log: Any) -> None:
    try:
        fail()
    except ValueError:
        log.exception("failed")


def test_a_line_of_ours_is_one_object() -> None:
    (line,) = lines(lambda: structlog.get_logger().info("served", calls=7))
    assert line["event"] == "served"
    assert line["level"] == "info"
    assert line["calls"] == 7
    assert line["time"].endswith("Z")
    assert "trace_id" not in line


def test_a_line_of_a_library_looks_alike() -> None:
    (line,) = lines(lambda: logging.getLogger("some.library").warning("gave %s", "up"))
    assert (line["event"], line["level"], line["logger"]) == ("gave up", "warning", "some.library")
    assert line["time"].endswith("Z")


@pytest.mark.parametrize(("level", "count"), [("debug", 6), ("info", 4), ("error", 2)])
def test_less_severe_lines_are_not_written(level: str, count: int) -> None:
    def write() -> None:
        for log in (structlog.get_logger(), logging.getLogger("library")):
            log.debug("x")
            log.info("x")
            log.error("x")

    assert len(lines(write, level)) == count


def test_lines_carry_the_trace_they_belong_to() -> None:
    tracer = TracerProvider().get_tracer("test")

    def write() -> None:
        with tracer.start_as_current_span("call") as span:
            context = span.get_span_context()
            structlog.get_logger().info(f"{context.trace_id:032x}", span=f"{context.span_id:016x}")
            logging.getLogger("library").error("%032x", context.trace_id)

    ours, theirs = lines(write)
    assert ours["trace_id"] == ours["event"]
    assert ours["span_id"] == ours["span"]
    assert theirs["trace_id"] == theirs["event"]


@pytest.mark.parametrize("log", [structlog.get_logger(), logging.getLogger("library")])
def test_a_traceback_is_written_without_locals(log: Any) -> None:
    (line,) = lines(lambda: log_a_failure(log))
    assert "ValueError: 20 characters" in line["exception"]
    assert "in fail" in line["exception"]
    assert SECRET not in json.dumps(line)


def test_a_traceback_on_the_console_is_written_without_locals() -> None:
    stream = io.StringIO()
    install_logs("info", "console", stream)
    log_a_failure(structlog.get_logger())
    log_a_failure(logging.getLogger("library"))
    assert stream.getvalue().count("ValueError: 20 characters") == 2
    assert SECRET not in stream.getvalue()
    assert "\x1b[" not in stream.getvalue()


@pytest.mark.parametrize(
    "name", ["OK-ACCESS-KEY", "ok_access_sign", "passphrase", "Secret", "api_key", "authorization"]
)
def test_what_is_named_like_a_secret_is_hidden(name: str) -> None:
    def write() -> None:
        structlog.get_logger().info("sent", **{name: SECRET}, headers={name: SECRET, "Host": "x"})

    (line,) = lines(write)
    assert SECRET not in json.dumps(line)
    assert line["headers"]["Host"] == "x"


def test_nesting_has_a_bound() -> None:
    deep: dict[str, Any] = {"secret": SECRET}
    for _ in range(50):
        deep = {"inner": deep}
    (line,) = lines(lambda: structlog.get_logger().info("deep", outer=deep))
    assert SECRET not in json.dumps(line)


def test_a_long_text_is_cut() -> None:
    (line,) = lines(lambda: structlog.get_logger().info("long", text="x" * 100_000))
    assert len(line["text"]) < 10_000
    assert "100000 characters" in line["text"]


def test_objects_are_written_by_their_repr() -> None:
    @dataclass
    class Thing:
        secret: str

        def __repr__(self) -> str:
            return "<thing>"

    credential = Credential(
        account="desk-7",
        environment=Environment.DEMO,
        version=1,
        secrets=("planted-key", SECRET, "planted-phrase"),
    )
    (line,) = lines(
        lambda: structlog.get_logger().info("seen", thing=Thing(SECRET), credential=credential)
    )
    assert line["thing"] == "<thing>"
    assert "desk-7" in line["credential"]
    assert "planted" not in json.dumps(line)


@pytest.mark.parametrize("odd", ["\ud800", 1 << 70, {1: 2}, {("a",): 1}, {1, 2}, b"\xff"])
def test_nothing_that_is_logged_can_fail(odd: object) -> None:
    (line,) = lines(lambda: structlog.get_logger().info("odd", odd=odd))
    assert line["event"] == "odd"


def test_installing_again_replaces_and_keeps_what_others_installed() -> None:
    theirs = logging.NullHandler()
    logging.getLogger().addHandler(theirs)
    first, second = io.StringIO(), io.StringIO()
    install_logs("info", "json", first)
    install_logs("info", "json", second)
    logging.getLogger("library").info("once")
    assert first.getvalue() == ""
    assert second.getvalue().count("once") == 1
    assert theirs in logging.getLogger().handlers
