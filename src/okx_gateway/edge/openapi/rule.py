"""Which JSON Schema says the same as a rule of protovalidate?  Pure.

Tells only of rules that it knows: one it does not know is a defect, not something to leave out,
as the document would then promise more than the gateway takes.
"""

import re
from typing import Any

from google.protobuf.descriptor import Descriptor, FieldDescriptor

from okx_gateway.api.buf.validate import validate_pb2

Schema = dict[str, Any]

_ANCHORED = re.compile(r"\^(.*)\\z")  # ^[A-Z]+\z
_DECIMAL = r"(0|[1-9][0-9]{0,17})(\.[0-9]{1,18})?"
_CEL_DECIMAL = r"this.matches('^(0|[1-9][0-9]{0,17})(\\.[0-9]{1,18})?\\z') && this.matches('[1-9]')"
_FILL_OR_KILL = ["TIME_IN_FORCE_FILL_OR_KILL", 3]
_CANCEL_BOTH = ["SELF_TRADE_PREVENTION_CANCEL_BOTH", 3]
# Rules over several fields, of which each is in the body; by their CEL.
_BODY_RULES: dict[str, Schema] = {
    "!(has(this.limit) && this.limit.time_in_force == 3 && this.self_trade_prevention == 3)": {
        "not": {
            "required": ["limit", "selfTradePrevention"],
            "properties": {
                "limit": {
                    "type": "object",
                    "required": ["timeInForce"],
                    "properties": {"timeInForce": {"enum": _FILL_OR_KILL}},
                },
                "selfTradePrevention": {"enum": _CANCEL_BOTH},
            },
        }
    },
    "this.new_quantity != '' || this.new_price != ''": {
        "anyOf": [
            {"required": [name], "properties": {name: {"type": "string", "minLength": 1}}}
            for name in ("newQuantity", "newPrice")
        ]
    },
}
# Rules that make one field necessary where the path fills another; by their CEL.
_NEEDED_BESIDE = {
    "!has(this.exchange_order_id) || this.instrument != ''": ("exchange_order_id", "instrument"),
}


def text_rule(field: FieldDescriptor, *, needed: bool) -> Schema:
    """Keywords for a string field, or for each item of a repeated one.

    `needed` is whether it must not be empty though the rule of the field alone lets it.
    """
    rules = _rules(field)
    optional = rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE and not needed
    schema: Schema = {}
    strings = rules.repeated.items.string if field.is_repeated else rules.string
    if strings.pattern:
        schema["pattern"] = _ecma(strings.pattern, optional=optional)
    for rule in rules.cel:
        if rule.expression != _CEL_DECIMAL:
            raise ValueError(f"{field.full_name} has a rule that has no JSON Schema: {rule.id}")
        schema |= {
            "pattern": f"^({_DECIMAL})?$" if optional else f"^{_DECIMAL}$",
            "not": {"type": "string", "pattern": r"^[0.]+$"},
        }
    return schema


def list_rule(field: FieldDescriptor) -> Schema:
    """Keywords for a repeated field."""
    rules = _rules(field).repeated
    schema: Schema = {"uniqueItems": True} if rules.unique else {}
    if rules.min_items:
        schema["minItems"] = rules.min_items
    if rules.max_items:
        schema["maxItems"] = rules.max_items
    return schema


def number_rule(field: FieldDescriptor) -> Schema:
    """Keywords for a whole number, which has a least and a greatest value."""
    rules = _rules(field).int32
    return {"minimum": rules.gte, "maximum": rules.lte}


def refused_numbers(field: FieldDescriptor) -> frozenset[int]:
    """Values of an enum that are not taken here."""
    return frozenset(_rules(field).enum.not_in)


def is_required(field: FieldDescriptor) -> bool:
    """Whether the field's own rule refuses the value that stands for its absence."""
    rules = _rules(field)
    if rules.ignore == validate_pb2.IGNORE_IF_ZERO_VALUE or field.has_presence:
        return False
    return bool(
        rules.string.pattern or rules.cel or rules.repeated.min_items or 0 in rules.enum.not_in
    )


def needed_beside(message: Descriptor, bound: frozenset[str]) -> frozenset[str]:
    """Fields that are required because the fields in `bound` are given."""
    pairs = [_NEEDED_BESIDE.get(rule.expression) for rule in _message_rules(message)]
    return frozenset(needed for when, needed in filter(None, pairs) if when in bound)


def body_rules(message: Descriptor) -> list[Schema]:
    """Schemas that a body has to fulfil beside those of its fields.

    Raises:
        ValueError: The message has a rule that no schema is known for.
    """
    schemas = []
    for rule in _message_rules(message):
        if rule.expression in _BODY_RULES:
            schemas.append(_BODY_RULES[rule.expression])
        elif rule.expression not in _NEEDED_BESIDE:
            raise ValueError(f"{message.full_name} has a rule without JSON Schema: {rule.id}")
    return schemas


def _rules(field: FieldDescriptor) -> validate_pb2.FieldRules:
    return field.GetOptions().Extensions[validate_pb2.field]


def _message_rules(message: Descriptor) -> list[validate_pb2.Rule]:
    return list(message.GetOptions().Extensions[validate_pb2.message].cel)


def _ecma(re2: str, *, optional: bool) -> str:
    r"""Turn `^...\z` of RE2 into ECMA-262, where `$` without the flag m is the end of the text."""
    found = _ANCHORED.fullmatch(re2)
    if found is None:
        raise ValueError(f"the pattern {re2} does not hold for the whole text")
    return f"^({found[1]})?$" if optional else f"^{found[1]}$"
