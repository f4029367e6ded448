"""Which request message do a path, a query and a JSON body make?  Pure.

Follows google/api/http.proto for what goes where, and the JSON mapping of protobuf for values:
names in camelCase or as in the proto, enums by name or number, null for absent. It is stricter
where leniency could change an order: an unknown name, a field given twice or a second member of
a oneof is an error. Everything wrong is told at once.
"""

import re
from collections.abc import Mapping
from difflib import get_close_matches
from typing import Any
from urllib.parse import unquote_to_bytes

from google.protobuf.descriptor import FieldDescriptor
from google.protobuf.message import Message
from google.protobuf.message_factory import GetMessageClass

from okx_gateway.domain.errors import InvalidRequestError, Violation
from okx_gateway.edge.rest.json_value import (
    descriptor_of,
    fields_by_name,
    is_object,
    is_scalar,
    json_of_text,
    scalar,
    set_other,
)
from okx_gateway.edge.rest.route import Matched
from okx_gateway.edge.rest.strict_json import BODY, parse_json, shown

VIOLATIONS_MAX = 20
QUERY_PARAMETERS_MAX = 256
DEPTH_MAX = 32
_BROKEN_ESCAPE = re.compile(rb"%(?![0-9A-Fa-f]{2})")


def request_message(matched: Matched, query: bytes, body: bytes) -> Message:
    """Make the request that `matched.route.rpc` takes.

    `query` is what follows the question mark, still percent-encoded; `body` may be empty where
    every field has its place elsewhere.

    Raises:
        InvalidRequestError: With up to 20 violations, by field path in the proto's names.
    """
    route = matched.route
    message = GetMessageClass(route.rpc.input_type)()
    reader = _Reader(message)
    reader.read_variables(matched.variables)
    if not route.body:
        if body:
            reader.refuse(BODY, f"must be empty: {route.rpc.name} takes everything from the URL")
    elif body:
        document = parse_json(body)
        if route.body == "*":
            reader.read_object(message, document, "")
        else:
            reader.read_object(message, {route.body: document}, "")
    reader.read_query(query, in_body=route.body == "*")
    if reader.violations:
        raise InvalidRequestError(reader.violations)
    return message


class _Reader:
    """Fills one request message and gathers everything that is wrong."""

    def __init__(self, message: Message) -> None:
        self.violations: list[Violation] = []
        self._message = message
        self._bound: dict[str, str] = {}  # what the path says, by field path

    def refuse(self, field: str, description: str, value: str = "") -> None:
        self.violations.append(Violation(field, description, value))
        if len(self.violations) == VIOLATIONS_MAX:
            raise InvalidRequestError(self.violations)

    def read_variables(self, variables: Mapping[str, str]) -> None:
        for name, text in variables.items():
            self._read_named(name, [text])
            self._bound[name] = text

    def read_query(self, query: bytes, *, in_body: bool) -> None:
        """Read a query string; `in_body` where every field belongs in the body instead."""
        texts_by_name: dict[str, list[str]] = {}
        for name, text in self._query_pairs(query):
            texts_by_name.setdefault(name, []).append(text)
        for name, texts in texts_by_name.items():
            if in_body:
                self.refuse(shown(name), "must be in the body, not in the query")
            else:
                self._read_named(name, texts)

    def read_object(self, message: Message, document: object, path: str, depth: int = 1) -> None:
        """Read a JSON object into `message`, which `path` leads to: empty, or ending in a dot."""
        if not isinstance(document, dict):
            self.refuse(path[:-1] or BODY, "must be an object", shown(document))
            return
        if depth > DEPTH_MAX:
            self.refuse(path[:-1], f"is nested deeper than {DEPTH_MAX} levels")
            return
        written: dict[str, str] = {}
        for name, value in document.items():
            field = self._field(message, name, path)
            if field is None or value is None:
                continue
            other = written.setdefault(field.name, name)
            if other != name:
                self.refuse(path + field.name, f"is given twice, as {other} and as {name}")
                continue
            self._read_field(message, field, value, path, depth)

    def _query_pairs(self, query: bytes) -> list[tuple[str, str]]:
        pairs = [pair for pair in query.split(b"&", QUERY_PARAMETERS_MAX + 1) if pair]
        if len(pairs) > QUERY_PARAMETERS_MAX:
            self.refuse("query", f"must have at most {QUERY_PARAMETERS_MAX} parameters")
            return []
        decoded = []
        for pair in pairs:
            name, _, text = pair.replace(b"+", b" ").partition(b"=")
            if not name:
                self.refuse("query", "has a parameter without a name")
                continue
            if _BROKEN_ESCAPE.search(pair):
                self.refuse(shown(name.decode("latin-1")), "has a broken percent escape")
                continue
            try:
                decoded.append((unquote_to_bytes(name).decode(), unquote_to_bytes(text).decode()))
            except UnicodeDecodeError:
                self.refuse(shown(name.decode("latin-1")), "is not UTF-8")
        return decoded

    def _read_named(self, name: str, texts: list[str]) -> None:
        """Read the field that a dotted name of the URL leads to."""
        message, path = self._message, ""
        *parents, last = name.split(".", DEPTH_MAX)
        for parent in parents:
            field = self._field(message, parent, path)
            if field is None or not self._takes(message, field, path):
                return
            path += field.name + "."
            if not is_object(field) or field.is_repeated:
                self.refuse(path[:-1], "has no fields of its own in a URL", shown(name))
                return
            message = getattr(message, field.name)
        field = self._field(message, last, path)
        if field is None:
            return
        values = [json_of_text(field, text) for text in texts]
        if not field.is_repeated and len(values) > 1:
            self.refuse(path + field.name, f"is given {len(values)} times")
            return
        self._read_field(message, field, values if field.is_repeated else values[0], path, 1)

    def _field(self, message: Message, name: str, path: str) -> FieldDescriptor | None:
        descriptor = descriptor_of(message)
        field = fields_by_name(descriptor).get(name)
        if field is None:
            near = get_close_matches(name[:64], [each.json_name for each in descriptor.fields], 1)
            hint = f"; {near[0]} is" if near else ""
            self.refuse(path + shown(name) or BODY, f"is not a field of {descriptor.name}{hint}")
        return field

    def _takes(self, message: Message, field: FieldDescriptor, path: str) -> bool:
        """Whether `message` has room for `field`: no other member of its oneof is set."""
        oneof = field.containing_oneof
        other = message.WhichOneof(oneof.name) if oneof else None
        if other is None or other == field.name:
            return True
        self.refuse(path + field.name, f"cannot stand beside {path}{other}: give one of the two")
        return False

    def _read_field(
        self, message: Message, field: FieldDescriptor, value: object, path: str, depth: int
    ) -> None:
        here = path + field.name
        if not self._takes(message, field, path):
            return
        if here in self._bound:
            said = self._bound[here]
            if said != (value if isinstance(value, str) else shown(value)):
                self.refuse(here, f"must be {shown(said)!r}, as in the path", shown(value))
        elif is_object(field):
            self._read_messages(message, field, value, here, depth)
        elif field.is_repeated and is_scalar(field):
            self._read_list(getattr(message, field.name), field, value, here)
        else:
            self._set(message, field, value, here)

    def _read_messages(
        self, message: Message, field: FieldDescriptor, value: object, here: str, depth: int
    ) -> None:
        if not field.is_repeated:
            child = getattr(message, field.name)
            child.SetInParent()
            self.read_object(child, value, here + ".", depth + 1)
        elif isinstance(value, list):
            for place, item in enumerate(value):
                child = getattr(message, field.name).add()
                self.read_object(child, item, f"{here}[{place}].", depth + 1)
        else:
            self.refuse(here, "must be a list", shown(value))

    def _read_list(self, items: Any, field: FieldDescriptor, value: object, here: str) -> None:
        if not isinstance(value, list):
            self.refuse(here, "must be a list", shown(value))
            return
        for place, item in enumerate(value):
            try:
                items.append(scalar(field, item))
            except ValueError as error:
                self.refuse(f"{here}[{place}]", str(error), shown(item))

    def _set(self, message: Message, field: FieldDescriptor, value: object, here: str) -> None:
        try:
            if is_scalar(field):
                setattr(message, field.name, scalar(field, value))
            else:
                set_other(message, field, value)
        except ValueError as error:
            self.refuse(here, str(error), shown(value))
