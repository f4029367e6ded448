"""What do the proto files say about the API in words?  Touches the package's own api.binpb."""

import re
from collections.abc import Iterator, Mapping
from functools import cache
from importlib.resources import files
from typing import Any

from google.protobuf import descriptor_pb2

_FIELD_NAME = re.compile(r"`[a-z0-9_.]+`")  # `market.target_currency`
_UNDERSCORE = re.compile(r"_([a-z0-9])")
_INDENT = "     "  # of a block that is to be shown as it is, such as an example


@cache
def proto_comments() -> Mapping[str, str]:
    """Comments in Markdown by full name: of services, RPCs, messages, fields, enums and values.

    Fields are named as in JSON there. A value's full name has the enum's in it, unlike protobuf's
    own: `okx_gateway.api.v1.Side.SIDE_BUY`.
    """
    image = descriptor_pb2.FileDescriptorSet.FromString(
        (files("okx_gateway.api") / "api.binpb").read_bytes()
    )
    comments = {}
    for file in image.file:
        names = dict(_names(file))
        for location in file.source_code_info.location:
            name = names.get(tuple(location.path))
            if name and location.leading_comments:
                comments[name] = _markdown(location.leading_comments)
    return comments


def _names(file: descriptor_pb2.FileDescriptorProto) -> Iterator[tuple[tuple[int, ...], str]]:
    """Paths as SourceCodeInfo has them, made of field numbers and places, and full names."""
    kinds: tuple[tuple[int, Any, str], ...] = (
        (file.MESSAGE_TYPE_FIELD_NUMBER, file.message_type, "field"),
        (file.ENUM_TYPE_FIELD_NUMBER, file.enum_type, "value"),
        (file.SERVICE_FIELD_NUMBER, file.service, "method"),
    )
    for number, parents, members in kinds:
        for place, parent in enumerate(parents):
            name = f"{file.package}.{parent.name}"
            yield (number, place), name
            member_number = parent.DESCRIPTOR.fields_by_name[members].number
            for member_place, member in enumerate(getattr(parent, members)):
                yield (number, place, member_number, member_place), f"{name}.{member.name}"


def _markdown(comment: str) -> str:
    """Join the lines of each paragraph, but for those of an indented block."""
    paragraphs: list[str] = []
    for block in re.split(r"\n\s*\n", comment.rstrip()):
        lines = block.split("\n")
        if all(line.startswith(_INDENT) for line in lines):
            paragraphs.append("\n".join(line.removeprefix(" ") for line in lines))
        else:
            joined = " ".join(line.strip() for line in lines)
            paragraphs.append(_FIELD_NAME.sub(_json_name, joined))
    return "\n\n".join(paragraphs)


def _json_name(name: re.Match[str]) -> str:
    return _UNDERSCORE.sub(lambda after: after[1].upper(), name[0])
