"""What was set, by name, and where?

Touches the file system, to read the one YAML file. Values are texts in both places, so that a
value means the same in the file as in the environment.
"""

import difflib
import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from pathlib import Path

import yaml

PREFIX = "OKX_GATEWAY_"
FILE_VARIABLE = f"{PREFIX}CONFIG"
# How the command line finds a gateway and shows who it is; no setting of the gateway itself.
_CALLING_VARIABLES = tuple(
    f"{PREFIX}{name}"
    for name in (
        *("TARGET", "ADMIN_TARGET", "TOKEN_FILE", "CA_FILE"),
        *("CLIENT_CERTIFICATE_FILE", "CLIENT_KEY_FILE"),
    )
)
_FILE_BYTES_MAX = 64 << 10
# Kubernetes describes a Service called okx-gateway, or okx-gateway-anything, to every pod of its
# namespace in variables like these. Source: Kubernetes docs, "Accessing the Service".
_SERVICE_LINK = re.compile(
    r"OKX_GATEWAY_(?:[A-Z0-9_]+_)?(?:SERVICE_HOST|SERVICE_PORT(?:_[A-Z0-9_]+)?"
    r"|PORT_\d+_(?:TCP|UDP|SCTP)(?:_(?:PROTO|PORT|ADDR))?)"
)
# OKX_GATEWAY_PORT=tcp://10.0.0.1:50051 is one too; OKX_GATEWAY_REST_PORT=8080 is a misspelling.
_SERVICE_URL = re.compile(r"OKX_GATEWAY_(?:[A-Z0-9_]+_)?PORT=(?:tcp|udp|sctp)://.*")


@dataclass(frozen=True, slots=True)
class Reading:
    """A text that was set; `place` is the file and line, empty for the environment."""

    text: str
    place: str


@dataclass(frozen=True, slots=True)
class Readings:
    """What was read by setting name, and what could not be understood."""

    values: Mapping[str, Reading]
    problems: tuple[str, ...]


def variable(name: str) -> str:
    """The environment variable of a setting."""
    return PREFIX + name.upper()


def read_environment(environ: Mapping[str, str], names: frozenset[str]) -> Readings:
    """Read every variable that begins with OKX_GATEWAY_; one of no setting is a misspelling."""
    values, problems = {}, []
    for key, text in sorted(environ.items()):
        name = key.removeprefix(PREFIX).lower()
        if (
            not key.startswith(PREFIX)
            or key in (FILE_VARIABLE, *_CALLING_VARIABLES)
            or _is_service_link(key, text)
        ):
            continue
        if variable(name) == key and name in names:
            values[name] = Reading(text, "")
        else:
            problems.append(f"{key[:100]}: no such setting{_nearest(name, names, variable)}")
    return Readings(values, tuple(problems))


def read_file(path: Path, names: frozenset[str]) -> Readings:
    """Read a YAML mapping of setting names, in lower case and without prefix, to texts."""
    try:
        root = _compose(path)
    except _UnreadableError as error:
        return Readings({}, (f"{FILE_VARIABLE}: {error}",))
    return Readings({}, ()) if root is None else _read_mapping(path, root, names)


class _UnreadableError(Exception):
    """The file as a whole cannot be understood."""


def _compose(path: Path) -> yaml.MappingNode | None:
    try:
        with path.open("rb") as file:
            content = file.read(_FILE_BYTES_MAX + 1)
    except OSError as error:
        raise _UnreadableError(f"cannot read {path}: {error.strerror}") from None
    if len(content) > _FILE_BYTES_MAX:
        raise _UnreadableError(f"{path} is larger than {_FILE_BYTES_MAX} bytes")
    try:
        root = yaml.compose(content, Loader=yaml.BaseLoader)
    except (yaml.YAMLError, RecursionError) as error:
        mark = getattr(error, "problem_mark", None)
        line = f" line {mark.line + 1}" if mark else ""
        raise _UnreadableError(f"{path}{line} is not YAML") from None
    if root is not None and not isinstance(root, yaml.MappingNode):
        raise _UnreadableError(f"{path} has to be a mapping, for example `region: eea`")
    return root


def _read_mapping(path: Path, root: yaml.MappingNode, names: frozenset[str]) -> Readings:
    values: dict[str, Reading] = {}
    problems = []
    for key_node, node in root.value:
        name = str(key_node.value)
        place = f"{path} line {key_node.start_mark.line + 1}"
        text = _text_of(node)
        if name not in names:
            problems.append(f"{name[:100]!r} in {place}: no such setting{_nearest(name, names)}")
        elif name in values:
            problems.append(f"{name!r} in {place}: was set before, in {values[name].place}")
        elif name == "vault_key":
            problems.append(
                f"{name!r} in {place}: a key does not belong into a file of settings; "
                f"set {variable('vault_key_file')}"
            )
        elif text is None:
            problems.append(f"{name!r} in {place}: has to be a text, a number or a list of texts")
        else:
            values[name] = Reading(text, place)
    return Readings(values, tuple(problems))


def _text_of(node: yaml.Node) -> str | None:
    if isinstance(node, yaml.ScalarNode):
        return str(node.value)
    if isinstance(node, yaml.SequenceNode):
        parts = [_text_of(part) for part in node.value if isinstance(part, yaml.ScalarNode)]
        return ",".join(str(part) for part in parts) if len(parts) == len(node.value) else None
    return None


def _nearest(name: str, names: frozenset[str], write: Callable[[str], str] = str) -> str:
    near = difflib.get_close_matches(name[:100].lower(), sorted(names), n=1, cutoff=0.5)
    return f"; did you mean {write(near[0])}?" if near else ""


def _is_service_link(key: str, text: str) -> bool:
    return bool(_SERVICE_LINK.fullmatch(key) or _SERVICE_URL.fullmatch(f"{key}={text}"))
