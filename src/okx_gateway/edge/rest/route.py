"""Which RPC does an HTTP method and path mean?  Pure.

The routes are the google.api.http options of a service, so there is no second list of them. The
grammar of their path templates is the one in google/api/http.proto.
"""

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from urllib.parse import unquote_to_bytes

from google.api import annotations_pb2, http_pb2
from google.protobuf.descriptor import MethodDescriptor, ServiceDescriptor

from okx_gateway.domain.errors import InvalidRequestError, Violation

SEGMENTS_MAX = 32
_ROUTES_MAX = 1000
_ANY, _REST = "*", "**"
_SEGMENT = re.compile(r"\*\*|\*|[A-Za-z0-9._~-]+")  # v1
_VARIABLE = re.compile(r"\{([a-z][a-z0-9_.]*)(?:=([^{}]+))?\}")  # {name=accounts/*}
_VERB = re.compile(r":([A-Za-z][A-Za-z0-9]*)\Z")  # :cancel
_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_ENCODED_SLASH = re.compile(r"(%2[Ff])")


@dataclass(frozen=True, slots=True)
class Variable:
    """A field of the request that takes the path segments from `start` up to `end`.

    `end` is None where it takes all that are left, which `**` stands for.
    """

    field: str
    start: int
    end: int | None


@dataclass(frozen=True, slots=True)
class Template:
    """A path template in pieces: what each segment must be, and which fields they fill."""

    segments: tuple[str, ...]
    variables: tuple[Variable, ...]
    verb: str


@dataclass(frozen=True, slots=True)
class Route:
    """One HTTP method and path template of an RPC.

    `body` is `*` where the body is the request, a field's name where it is that field, and empty
    where there is none.
    """

    http_method: str
    path: str
    template: Template
    body: str
    rpc: MethodDescriptor


@dataclass(frozen=True, slots=True)
class Matched:
    """A route, and the text of each of its variables by field path."""

    route: Route
    variables: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class MethodNotAllowed:
    """The path is known, but not with this method; `allow` are those it is known with."""

    allow: tuple[str, ...]


@dataclass(slots=True)
class _Node:
    """What may follow one prefix of the segments of a path."""

    literal: dict[str, "_Node"] = field(default_factory=dict)
    wildcard: dict[str, "_Node"] = field(default_factory=dict)  # by `*` and `**`
    ends: dict[str, dict[str, Route]] = field(default_factory=dict)  # by verb, then HTTP method


class RouteTable:
    """Finds routes in time that grows with the path, not with their number."""

    def __init__(self, service: ServiceDescriptor) -> None:
        self.routes = tuple(_routes_of(service))
        if len(self.routes) > _ROUTES_MAX:
            raise ValueError(f"{service.full_name} has more than {_ROUTES_MAX} routes")
        self._root = _Node()
        for route in self.routes:
            self._add(route)

    def match(self, http_method: str, path: str) -> Matched | MethodNotAllowed | None:
        """Find the route of `path`, still percent-encoded and without its query.

        None where no template fits. Literals come before variables and a verb before its absence,
        so `orders/a1:cancel` is never an order called `a1:cancel`.

        Raises:
            InvalidRequestError: A variable holds a broken escape or is not UTF-8.
        """
        segments = path.split("/")[1:]
        if not path.startswith("/") or len(segments) > SEGMENTS_MAX:
            return None
        found = _find(self._root, segments)
        if found is None:
            return None
        by_method, bare = found
        route = by_method.get(http_method)
        if route is None:
            return MethodNotAllowed(tuple(sorted(by_method)))
        return Matched(route, _variables(route.template, bare))

    def _add(self, route: Route) -> None:
        node = self._root
        for segment in route.template.segments:
            children = node.wildcard if segment in (_ANY, _REST) else node.literal
            node = children.setdefault(segment, _Node())
        by_method = node.ends.setdefault(route.template.verb, {})
        if route.http_method in by_method:
            raise ValueError(f"two routes answer {route.http_method} {route.path}")
        by_method[route.http_method] = route


def parse_template(path: str) -> Template:
    """Take a path template apart.

    Raises:
        ValueError: `path` is not a template, or has more after a `**`.
    """
    verb = _VERB.search(path)
    rest = path[: verb.start()] if verb else path
    segments: list[str] = []
    variables: list[Variable] = []
    while rest:
        if not rest.startswith("/"):
            raise ValueError(f"{path} is not a path template")
        rest = rest[1:]
        if named := _VARIABLE.match(rest):
            start = len(segments)
            segments += (named[2] or _ANY).split("/")
            end = None if segments[-1] == _REST else len(segments)
            variables.append(Variable(named[1], start, end))
            rest = rest[named.end() :]
        else:
            segment, slash, tail = rest.partition("/")
            segments.append(segment)
            rest = slash + tail
    if not segments or not all(_SEGMENT.fullmatch(segment) for segment in segments):
        raise ValueError(f"{path} is not a path template")
    if _REST in segments[:-1] or len(segments) > SEGMENTS_MAX:
        raise ValueError(f"{path} is not a path template that can be matched in bounded time")
    return Template(tuple(segments), tuple(variables), verb[1] if verb else "")


def _routes_of(service: ServiceDescriptor) -> Iterator[Route]:
    for rpc in service.methods:
        rule = rpc.GetOptions().Extensions[annotations_pb2.http]
        for binding in (rule, *rule.additional_bindings):
            if binding.WhichOneof("pattern"):
                yield _route_of(binding, rpc)


def _route_of(rule: http_pb2.HttpRule, rpc: MethodDescriptor) -> Route:
    if rule.response_body:
        raise ValueError(f"{rpc.full_name} has a response_body, which is not served")
    pattern = rule.WhichOneof("pattern")
    method, path = (
        (rule.custom.kind, rule.custom.path)
        if pattern == "custom"
        else (str(pattern).upper(), getattr(rule, str(pattern)))
    )
    return Route(method, path, parse_template(path), rule.body, rpc)


def _find(root: _Node, segments: list[str]) -> tuple[dict[str, Route], list[str]] | None:
    """The routes at the end of `segments`, and the segments without the verb."""
    last, _, verb = segments[-1].rpartition(":")
    if verb and (found := _descend(root, [*segments[:-1], last], 0, verb)):
        return found, [*segments[:-1], last]
    found = _descend(root, segments, 0, "")
    return (found, segments) if found else None


def _descend(node: _Node, segments: list[str], depth: int, verb: str) -> dict[str, Route] | None:
    """Walk down; at most as many ways as there are routes lead to one depth."""
    if depth == len(segments):
        return node.ends.get(verb)
    segment = segments[depth]
    child = node.literal.get(segment)
    if child and (found := _descend(child, segments, depth + 1, verb)):
        return found
    if not segment:
        return None
    child = node.wildcard.get(_ANY)
    if child and (found := _descend(child, segments, depth + 1, verb)):
        return found
    child = node.wildcard.get(_REST)
    return child.ends.get(verb) if child else None


def _variables(template: Template, segments: list[str]) -> dict[str, str]:
    variables = {}
    for variable in template.variables:
        taken = segments[variable.start : variable.end]
        many = variable.end is None or variable.end - variable.start > 1
        variables[variable.field] = "/".join(
            _decoded(variable.field, segment, keep_slash=many) for segment in taken
        )
    return variables


def _decoded(name: str, segment: str, *, keep_slash: bool) -> str:
    """Percent-decode one segment; of several, an encoded slash stays what it was (http.proto)."""
    if "%" not in segment:
        return segment
    if _BROKEN_ESCAPE.search(segment):
        raise InvalidRequestError([Violation(name, "has a broken percent escape", segment[:64])])
    pieces = _ENCODED_SLASH.split(segment) if keep_slash else [segment]
    try:
        return "".join(
            piece if keep_slash and _ENCODED_SLASH.fullmatch(piece) else _utf8(piece)
            for piece in pieces
        )
    except UnicodeDecodeError:
        raise InvalidRequestError([Violation(name, "is not UTF-8", segment[:64])]) from None


def _utf8(piece: str) -> str:
    return unquote_to_bytes(piece).decode("utf-8")
