"""Which JSON Schema do the messages of the API have?  Pure.

A request's schema says what is taken, so it has what protovalidate asks for and null, which the
JSON mapping of protobuf reads as absent. An answer's says what is sent, so it is open to fields
that later versions add.
"""

from google.protobuf.descriptor import Descriptor, EnumDescriptor, FieldDescriptor, OneofDescriptor

from okx_gateway.api.buf.validate import validate_pb2
from okx_gateway.edge.openapi.comment import proto_comments
from okx_gateway.edge.openapi.rule import (
    Schema,
    body_rules,
    is_required,
    list_rule,
    needed_beside,
    number_rule,
    refused_numbers,
    text_rule,
)
from okx_gateway.edge.rest.json_value import DURATION_PATTERN

_STAMPS: dict[str, Schema] = {
    "google.protobuf.Timestamp": {"type": "string", "format": "date-time"},
    "google.protobuf.Duration": {
        "type": "string",
        "pattern": f"^{DURATION_PATTERN.removeprefix('-?')}$",
        "examples": ["0.740s"],
    },
}
_NULL: Schema = {"type": "null"}
# Shown in the document, and the values that its readers try a call with.
_EXAMPLES: dict[str, list[object]] = {
    "account": ["main"],
    "client_order_id": ["a1"],
    "exchange_order_id": ["312269865356374016"],
    "instrument": ["BTC-USDT"],
    "currencies": [["BTC", "USDT"]],
    "instruments": [["BTC-USDT", "ETH-USDT"]],
    "quantity": ["0.001"],
    "price": ["30000.1"],
    "new_quantity": ["0.002"],
    "new_price": ["30000.2"],
}


class SchemaBook:
    """Makes schemas, and keeps those that others refer to in `components`, by name."""

    def __init__(self) -> None:
        self.components: dict[str, Schema] = {}

    def reference(self, name: str, schema: Schema) -> Schema:
        """Keep `schema` under `name`; a schema that refers to it.

        Raises:
            ValueError: Another one is kept under that name.
        """
        if self.components.setdefault(name, schema) != schema:
            raise ValueError(f"there are two schemas called {name}")
        return {"$ref": f"#/components/schemas/{name}"}

    def request(self, message: Descriptor, bound: frozenset[str] = frozenset()) -> Schema:
        """Schema of a request in JSON, without the fields in `bound`, which the path fills."""
        needed = needed_beside(message, bound)
        oneofs = [each for each in _oneofs(message) if not bound & _names(each)]
        taken = {name for each in _oneofs(message) if bound & _names(each) for name in _names(each)}
        fields = [each for each in message.fields if each.name not in bound | taken]
        required = [each.json_name for each in fields if is_required(each) or each.name in needed]
        schema = _object(message)
        schema["properties"] = {
            each.json_name: self.input(each, needed=each.name in needed) for each in fields
        }
        if required:
            schema["required"] = required
        for oneof in oneofs:
            if not oneof.GetOptions().Extensions[validate_pb2.oneof].required:
                raise ValueError(f"{oneof.full_name} may be left out, as none could before")
            schema |= _exactly_one(oneof)
        if rules := body_rules(message):
            schema["allOf"] = rules
        return schema | {"additionalProperties": False}

    def input(
        self, field: FieldDescriptor, *, needed: bool = False, in_url: bool = False
    ) -> Schema:
        """Schema of a field of a request; `in_url` where there is no null."""
        if field.is_repeated:
            schema: Schema = {
                "type": "array",
                "items": {"type": "string", **text_rule(field, needed=False)},
                **list_rule(field),
            }
        elif field.message_type is not None:
            message = field.message_type
            schema = _STAMPS.get(message.full_name) or self.reference(
                message.name, self.request(message)
            )
        elif field.enum_type is not None:
            schema = _enum_input(field, field.enum_type)
        elif field.type == FieldDescriptor.TYPE_BOOL:
            schema = {"type": "boolean"}
        elif field.type == FieldDescriptor.TYPE_INT32:
            schema = {"type": "integer", **number_rule(field)}
        elif field.type == FieldDescriptor.TYPE_STRING:
            schema = {"type": "string", **text_rule(field, needed=needed)}
        else:
            raise ValueError(f"{field.full_name} is of a type that no request had before")
        if not (in_url or needed or is_required(field)):
            schema = _or_null(schema)
        return _described(field, schema)

    def answer(self, message: Descriptor) -> Schema:
        """Schema of an answer in JSON, kept under the message's name."""
        schema = _object(message)
        schema["properties"] = {each.json_name: self._output(each) for each in message.fields}
        always = [each.json_name for each in message.fields if not each.has_presence]
        if always:
            schema["required"] = always
        for oneof in _oneofs(message):
            schema |= _exactly_one(oneof)
        return self.reference(message.name, schema)

    def _output(self, field: FieldDescriptor) -> Schema:
        message, enum = field.message_type, field.enum_type
        if message is not None:
            schema = _STAMPS.get(message.full_name) or self.answer(message)
        elif enum is not None:
            schema = self._enum_output(enum)
        elif field.type == FieldDescriptor.TYPE_BOOL:
            schema = {"type": "boolean"}
        elif field.type == FieldDescriptor.TYPE_INT32:
            schema = {"type": "integer"}
        elif field.type == FieldDescriptor.TYPE_INT64:
            schema = {"type": "string", "pattern": "^-?[0-9]+$"}
        elif field.type == FieldDescriptor.TYPE_STRING:
            schema = {"type": "string"}
        else:
            raise ValueError(f"{field.full_name} is of a type that no answer had before")
        if field.is_repeated:
            schema = {"type": "array", "items": schema}
        return _described(field, schema, examples=False)

    def _enum_output(self, enum: EnumDescriptor) -> Schema:
        names = [value.name for value in enum.values]
        about = proto_comments()[enum.full_name]
        description = f"{about}\n\n{values_in_words(enum, names)}"
        return self.reference(
            enum.name, {"type": "string", "enum": names, "description": description}
        )


def values_in_words(enum: EnumDescriptor, names: list[str]) -> str:
    """List what values of an enum mean, in Markdown and without their examples."""
    comments = (proto_comments()[f"{enum.full_name}.{name}"] for name in names)
    meanings = (each.partition("\n\n")[0].removesuffix(" Example:") for each in comments)
    return "\n".join(
        f"- `{name}`: {meaning}" for name, meaning in zip(names, meanings, strict=True)
    )


def _object(message: Descriptor) -> Schema:
    return {"type": "object", "description": proto_comments()[message.full_name]}


def _described(field: FieldDescriptor, schema: Schema, *, examples: bool = True) -> Schema:
    # Whether a field is needed stands in the schema; a reader of the proto has no other place.
    comment = proto_comments()[field.full_name]
    description = comment.removeprefix("Required. ").removeprefix("Optional. ")
    if "description" in schema:
        description = f"{description}\n\n{schema['description']}"
    schema = schema | {"description": description}
    if examples and field.name in _EXAMPLES:
        schema["examples"] = _EXAMPLES[field.name]
    return schema


def _enum_input(field: FieldDescriptor, enum: EnumDescriptor) -> Schema:
    """A name or, as protobuf's JSON mapping also has it, a number."""
    refused = refused_numbers(field)
    taken = [value for value in enum.values if value.number not in refused]
    names = [value.name for value in taken]
    return {
        "anyOf": [
            {"type": "string", "enum": names},
            {"type": "integer", "enum": [value.number for value in taken]},
        ],
        "description": values_in_words(enum, names),
    }


def _or_null(schema: Schema) -> Schema:
    if "anyOf" in schema:
        return schema | {"anyOf": [*schema["anyOf"], _NULL]}
    if "$ref" in schema:
        return {"anyOf": [schema, _NULL]}
    return schema | {"type": [schema["type"], "null"]}


def _oneofs(message: Descriptor) -> list[OneofDescriptor]:
    return list(message.oneofs)


def _names(oneof: OneofDescriptor) -> frozenset[str]:
    return frozenset(field.name for field in oneof.fields)


def _exactly_one(oneof: OneofDescriptor) -> Schema:
    """Keywords that let in one member; one that is null is none."""
    return {
        "oneOf": [
            {"required": [field.json_name], "properties": {field.json_name: {"type": "object"}}}
            for field in oneof.fields
        ]
    }
