"""Fails every test during which a planted secret is printed, logged, traced or measured.

Enabled by `pytest_plugins` in the root conftest. Tests plant the secrets by `canary_secrets`, and
search what only they can see, such as files, trailers and pipes, with `canaries`.
"""

import logging
from collections.abc import Callable, Generator
from typing import Any

import prometheus_client.exposition
import prometheus_client.openmetrics.exposition
import pytest
from opentelemetry.sdk.trace import ReadableSpan, SynchronousMultiSpanProcessor

from tests.plugins.canary import PLANTED, Canaries

_CANARIES = Canaries(PLANTED)
_KEY = pytest.StashKey["_Watch"]()


@pytest.fixture(scope="session")
def canary_secrets() -> tuple[str, str, str]:
    """API key, secret key and passphrase to put where real ones would be."""
    api_key, secret, passphrase = PLANTED.values()
    return api_key, secret, passphrase


@pytest.fixture(scope="session")
def canaries() -> Canaries:
    """Searches for the planted secrets."""
    return _CANARIES


class _Watch(logging.Handler):
    """Collects leaks from log records of any level, ended spans and metrics that are read."""

    def __init__(self) -> None:
        super().__init__(logging.NOTSET)
        self.found: list[str] = []
        self._formatter = logging.Formatter("%(name)s %(message)s")

    def search(self, content: str | bytes, place: str) -> None:
        self.found += [f"{leak} in {place}" for leak in _CANARIES.leaks_in(content)]

    def emit(self, record: logging.LogRecord) -> None:
        self.search(self._formatter.format(record), f"a log record of {record.name}")

    def search_span(self, span: ReadableSpan) -> None:
        events = [(event.name, dict(event.attributes or {})) for event in span.events]
        facts = (span.name, dict(span.attributes or {}), events, span.status.description)
        self.search(str(facts), f"the span {span.name}")

    def drain(self) -> list[str]:
        found, self.found = self.found, []
        return found


def pytest_configure(config: pytest.Config) -> None:
    """Look wherever something can leave the process, before any of it is used."""
    watch = config.stash[_KEY] = _Watch()
    root = logging.getLogger()
    root.addHandler(watch)
    root.setLevel(logging.DEBUG)  # what is only logged for debugging must be clean too
    _watch_spans(watch)
    for module in (prometheus_client.exposition, prometheus_client.openmetrics.exposition):
        _watch_metrics(watch, module)


def _watch_spans(watch: _Watch) -> None:
    original = SynchronousMultiSpanProcessor.on_end

    def on_end(self: SynchronousMultiSpanProcessor, span: ReadableSpan) -> None:
        watch.search_span(span)
        original(self, span)

    SynchronousMultiSpanProcessor.on_end = on_end  # type: ignore[method-assign]


def _watch_metrics(watch: _Watch, module: Any) -> None:
    original: Callable[..., bytes] = module.generate_latest

    def generate_latest(*args: Any, **kwargs: Any) -> bytes:
        text = original(*args, **kwargs)
        watch.search(text, "the metrics")
        return text

    module.generate_latest = generate_latest


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(
    item: pytest.Item, call: pytest.CallInfo[None]
) -> Generator[None, pytest.TestReport, pytest.TestReport]:
    """Fail a phase of a test in which something leaked."""
    report = yield
    watch = item.config.stash[_KEY]
    for title, text in report.sections:
        if title.endswith(f" {call.when}"):
            watch.search(text, title)
    leaks = watch.drain()
    if leaks:
        told = "\n".join(("A planted secret got out:", *(f"  {leak}" for leak in leaks)))
        if report.failed:
            report.sections.append(("Leaks", told))
        else:
            report.outcome = "failed"
            report.longrepr = told
    return report


@pytest.hookimpl(trylast=True)
def pytest_sessionfinish(session: pytest.Session) -> None:
    """Fail the run where something leaked outside all tests, such as in a thread."""
    leaks = session.config.stash[_KEY].drain()
    if leaks:
        reporter = session.config.pluginmanager.get_plugin("terminalreporter")
        if reporter is not None:
            reporter.write_line("A planted secret got out between tests: " + "; ".join(leaks))
        session.exitstatus = pytest.ExitCode.TESTS_FAILED
