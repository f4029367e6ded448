"""Which value of a protobuf field does a JSON value stand for?  Pure.

Follows the JSON mapping of protobuf (protobuf docs, 'ProtoJSON Format'), but says what is wrong in
words that a caller can act on.
"""

import re
from functools import cache
from typing import Any, cast

from google.protobuf import json_format
from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor
from google.protobuf.message import Message

_UNSIGNED_TEXT = re.compile(r"[0-9]{1,9}")
# Python's int() and float() also take underscores, spaces and digits of other scripts.
_NUMBER_TEXT = re.compile(r"-?[0-9]+(\.[0-9]+)?([eE][+-]?[0-9]+)?|NaN|-?Infinity")
# Seconds of 11 digits are 3,000 years, and within what a Duration holds.
DURATION_PATTERN = r"-?[0-9]{1,11}(\.[0-9]{1,9})?s"
_DURATION_TEXT = re.compile(DURATION_PATTERN)
_OWN_JSON = "google.protobuf."  # messages with a JSON form of their own, such as Timestamp
_NUMBER_TYPES = frozenset(
    {
        FieldDescriptor.CPPTYPE_INT32,
        FieldDescriptor.CPPTYPE_INT64,
        FieldDescriptor.CPPTYPE_UINT32,
        FieldDescriptor.CPPTYPE_UINT64,
        FieldDescriptor.CPPTYPE_FLOAT,
        FieldDescriptor.CPPTYPE_DOUBLE,
    }
)


def descriptor_of(message: Message) -> Descriptor:
    """Descriptor of a message, as the one type that the stubs split in two."""
    return cast("Descriptor", message.DESCRIPTOR)


@cache
def fields_by_name(kind: Descriptor) -> dict[str, FieldDescriptor]:
    """Fields by their name in JSON and by their name in the proto."""
    return {name: field for field in kind.fields for name in (field.name, field.json_name)}


@cache
def is_object(field: FieldDescriptor) -> bool:
    """Whether the field is written as a JSON object with a member for each field of a message."""
    kind = field.message_type
    return (
        kind is not None
        and not kind.full_name.startswith(_OWN_JSON)
        and not kind.GetOptions().map_entry
    )


def is_scalar(field: FieldDescriptor) -> bool:
    """Whether `scalar` reads the field; `set_other` does otherwise."""
    return field.type in _SCALARS


def json_of_text(field: FieldDescriptor, text: str) -> object:
    """Turn the text of a path or query into the JSON value that it stands for."""
    if field.type == FieldDescriptor.TYPE_BOOL:
        return {"true": True, "false": False}.get(text, text)
    if field.type == FieldDescriptor.TYPE_ENUM and _UNSIGNED_TEXT.fullmatch(text):
        return int(text)
    return text


def scalar(field: FieldDescriptor, value: object) -> Any:
    """Convert a JSON value for a string, bool or enum field.

    Raises:
        ValueError: With the rule that `value` breaks.
    """
    return _SCALARS[field.type](field, value)


def set_other(message: Message, field: FieldDescriptor, value: object) -> None:
    """Set a number, bytes, map or well-known type, single or repeated.

    Raises:
        ValueError: With the rule that `value` breaks.
    """
    numeric = field.cpp_type in _NUMBER_TYPES
    written = _DURATION_TEXT if _is_duration(field) else _NUMBER_TEXT if numeric else None
    for item in value if isinstance(value, list) else [value]:
        if isinstance(item, str) and written is not None and not written.fullmatch(item):
            raise ValueError(_rule_of(field))
    try:
        json_format.ParseDict({field.json_name: value}, message)
    except json_format.ParseError:
        raise ValueError(_rule_of(field)) from None


def _is_duration(field: FieldDescriptor) -> bool:
    return field.message_type is not None and (
        field.message_type.full_name == "google.protobuf.Duration"
    )


def _rule_of(field: FieldDescriptor) -> str:
    if _is_duration(field):
        return "must be seconds such as 0.740s, of at most 11 digits and 9 after the point"
    kind = field.message_type.full_name if field.message_type else _TYPE_NAMES[field.cpp_type]
    return f"must be {kind}, as protobuf's JSON mapping writes it"


def _string(_field: FieldDescriptor, value: object) -> str:
    if not isinstance(value, str):
        raise ValueError("must be a string")  # noqa: TRY004 - the one error of this function
    try:
        value.encode()
    except UnicodeEncodeError:
        raise ValueError("has half a surrogate pair, which is no character") from None
    return value


def _bool(_field: FieldDescriptor, value: object) -> bool:
    if not isinstance(value, bool):
        raise ValueError("must be true or false")  # noqa: TRY004 - as above
    return value


def _enum(field: FieldDescriptor, value: object) -> int:
    kind = cast("EnumDescriptor", field.enum_type)
    if isinstance(value, str) and (member := kind.values_by_name.get(value)):
        return member.number
    if type(value) is int and value in kind.values_by_number:
        return value
    raise ValueError(f"must be one of {', '.join(enum_names(kind))}")


def enum_names(kind: EnumDescriptor) -> list[str]:
    """Names of an enum without that of zero, which by convention stands for `not given`."""
    return [member.name for member in kind.values if member.number != 0]


_SCALARS = {
    FieldDescriptor.TYPE_STRING: _string,
    FieldDescriptor.TYPE_BOOL: _bool,
    FieldDescriptor.TYPE_ENUM: _enum,
}
_TYPE_NAMES = {
    FieldDescriptor.CPPTYPE_INT32: "int32",
    FieldDescriptor.CPPTYPE_INT64: "int64",
    FieldDescriptor.CPPTYPE_UINT32: "uint32",
    FieldDescriptor.CPPTYPE_UINT64: "uint64",
    FieldDescriptor.CPPTYPE_FLOAT: "float",
    FieldDescriptor.CPPTYPE_DOUBLE: "double",
    FieldDescriptor.CPPTYPE_STRING: "bytes",
}
