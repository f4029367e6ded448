"""How are log lines written?

Touches the root logger, structlog's configuration and the stream that is given. Lines of our own
and of libraries look alike and carry the trace they belong to.
"""

import json
import logging
from collections.abc import Mapping
from typing import Any, TextIO

import orjson
import structlog
from opentelemetry import trace
from structlog.typing import EventDict, Processor, WrappedLogger

# Names under which a secret would come, were it logged by mistake; compared in lower case with _.
_HIDDEN_NAMES = frozenset(
    {
        "api_key",
        "apikey",
        "authorization",
        "ok_access_key",
        "ok_access_passphrase",
        "ok_access_sign",
        "passphrase",
        "password",
        "secret",
        "secret_key",
        "sign",
        "vault_key",
    }
)
_HIDDEN = "***"
_NESTING_MAX = 3
_TEXT_LENGTH_MAX = 8_192


class _LineWriter(logging.StreamHandler[TextIO]):
    """Writes what libraries log; a class of its own, so that it can be found and replaced."""


def install_logs(level: str, log_format: str, stream: TextIO) -> None:
    """Write lines of `level` and above to `stream`, as `json` or for the `console`."""
    threshold = logging.getLevelNamesMapping()[level.upper()]
    shared: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="time"),
        _add_trace,
        _hide,
    ]
    renderers = _renderers(log_format, colors=stream.isatty())
    structlog.configure(
        processors=[*shared, *renderers],
        wrapper_class=structlog.make_filtering_bound_logger(threshold),
        logger_factory=structlog.WriteLoggerFactory(file=stream),
        cache_logger_on_first_use=False,
    )
    handler = _LineWriter(stream)
    handler.setFormatter(
        structlog.stdlib.ProcessorFormatter(
            foreign_pre_chain=[*shared, structlog.stdlib.add_logger_name],
            processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *renderers],
        )
    )
    root = logging.getLogger()
    for earlier in [each for each in root.handlers if isinstance(each, _LineWriter)]:
        root.removeHandler(earlier)
    root.addHandler(handler)
    root.setLevel(threshold)


def _renderers(log_format: str, *, colors: bool) -> list[Processor]:
    if log_format == "json":
        # As text and without locals: a traceback's locals could hold a secret.
        return [structlog.processors.format_exc_info, _write_json]
    return [
        structlog.dev.ConsoleRenderer(
            colors=colors,
            timestamp_key="time",
            exception_formatter=structlog.dev.plain_traceback,
        )
    ]


def _add_trace(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    context = trace.get_current_span().get_span_context()
    if context.is_valid:
        event["trace_id"] = trace.format_trace_id(context.trace_id)
        event["span_id"] = trace.format_span_id(context.span_id)
    return event


def _hide(_: WrappedLogger, __: str, event: EventDict) -> EventDict:
    return {name: _without_secrets(name, value, _NESTING_MAX) for name, value in event.items()}


def _without_secrets(name: object, value: Any, nesting_left: int) -> Any:
    if str(name).lower().replace("-", "_") in _HIDDEN_NAMES:
        return _HIDDEN
    if isinstance(value, str) and len(value) > _TEXT_LENGTH_MAX:
        return f"{value[:_TEXT_LENGTH_MAX]}... ({len(value)} characters)"
    if isinstance(value, Mapping):
        if not nesting_left:
            return f"{len(value)} entries"
        return {
            str(key): _without_secrets(key, each, nesting_left - 1) for key, each in value.items()
        }
    return value


def _write_json(_: WrappedLogger, __: str, event: EventDict) -> str:
    try:
        # Objects are written by their repr, which hides what it should; dataclasses too.
        return orjson.dumps(event, default=repr, option=orjson.OPT_PASSTHROUGH_DATACLASS).decode()
    except TypeError:
        # Such as half of a surrogate pair, or a number of more than 64 bits.
        return json.dumps(event, default=repr)
