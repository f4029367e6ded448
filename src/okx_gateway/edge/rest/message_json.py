"""How does an answer read as JSON?  Pure.

The JSON mapping of protobuf (protobuf docs, 'ProtoJSON Format') in camelCase, with fields that
have no presence always there, so that a caller never has to guess a default. Says the same as
json_format.MessageToDict, more than twice as fast: a plan is made once for each type of message.
"""

from collections.abc import Callable
from functools import cache
from typing import Any, cast

import orjson
from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

from okx_gateway.edge.rest.json_value import descriptor_of

_Convert = Callable[[Any], Any] | None  # None where the value is JSON as it is

_AS_IS = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_BOOL,
        FieldDescriptor.CPPTYPE_STRING,
    }
)
_AS_TEXT = frozenset({FieldDescriptor.CPPTYPE_INT64, FieldDescriptor.CPPTYPE_UINT64})
_STAMPS = frozenset({"google.protobuf.Timestamp", "google.protobuf.Duration"})


def json_of_message(message: Message) -> bytes:
    """Write `message` as JSON in UTF-8."""
    return orjson.dumps(_plan(descriptor_of(message))(message))


@cache
def _plan(kind: Descriptor) -> Callable[[Any], Any]:
    """Make the function that turns a message of this kind into a dict."""
    if kind.full_name in _STAMPS:
        return _stamp
    fields = list(kind.fields)
    if not all(map(_is_usual, fields)) or kind.full_name.startswith("google.protobuf."):
        return _unusual
    steps = [(field.name, field.json_name, field.is_repeated, _convert(field)) for field in fields]
    always = [step for step, field in zip(steps, fields, strict=True) if not field.has_presence]
    sometimes = [step for step, field in zip(steps, fields, strict=True) if field.has_presence]

    def as_dict(message: Message) -> dict[str, Any]:
        document = {}
        for name, json_name, repeated, convert in always:
            value = getattr(message, name)
            if repeated:
                document[json_name] = [convert(item) for item in value] if convert else list(value)
            else:
                document[json_name] = convert(value) if convert else value
        for name, json_name, _, convert in sometimes:
            if message.HasField(name):
                value = getattr(message, name)
                document[json_name] = convert(value) if convert else value
        return document

    return as_dict


def _is_usual(field: FieldDescriptor) -> bool:
    """Whether `_convert` knows the field: no bytes, floating point number or map."""
    if field.message_type is not None:
        return not field.message_type.GetOptions().map_entry
    if field.type == FieldDescriptor.TYPE_BYTES:
        return False
    return field.cpp_type in _AS_IS | _AS_TEXT or field.enum_type is not None


def _convert(field: FieldDescriptor) -> _Convert:
    kind, enum = field.message_type, field.enum_type
    if kind is not None:

        def planned_when_met(message: Message) -> Any:
            # Not before, as a message may hold its own kind.
            return _plan(kind)(message)

        return planned_when_met
    if enum is not None:
        names = _names(enum)
        return lambda number: names.get(number, number)
    return str if field.cpp_type in _AS_TEXT else None


def _names(kind: EnumDescriptor) -> dict[int, str]:
    return {number: value.name for number, value in kind.values_by_number.items()}


def _stamp(message: Any) -> str:
    return cast("str", message.ToJsonString())


def _unusual(message: Message) -> Any:
    return json_format.MessageToDict(message, always_print_fields_with_no_presence=True)
