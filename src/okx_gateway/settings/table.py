"""How are the settings told to people?  Pure: tables made from the model."""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import Enum
from typing import Any

from pydantic import SecretStr
from pydantic.fields import FieldInfo

from okx_gateway.settings.model import Settings
from okx_gateway.settings.source import variable
from okx_gateway.settings.value import without_password

_UNITS = {"_ms": "ms", "_s": "s", "_hours": "h"}
_KINDS = (("_url", "URL"), ("_listen", "host:port"), ("_file", "path"), ("_path", "path"))
_FROM_PRESET = "(by region and environment)"


@dataclass(frozen=True, slots=True)
class SettingFact:
    """One setting as documentation tells it; `unit` is empty where there is none."""

    variable: str
    name: str
    kind: str
    unit: str
    default: str
    meaning: str
    example: str


def describe() -> tuple[SettingFact, ...]:
    """Every setting, in the order of the model."""
    return tuple(FACTS.values())


def _facts() -> dict[str, SettingFact]:
    return {
        name: SettingFact(
            variable=variable(name),
            name=name,
            kind=_kind(name, field),
            unit=next((unit for end, unit in _UNITS.items() if name.endswith(end)), ""),
            default=_FROM_PRESET
            if name.startswith("okx_") and name.endswith("_url")
            else shown(name, field.default),
            meaning=field.description or "",
            example=str((field.examples or [""])[0]),
        )
        for name, field in Settings.model_fields.items()
    }


def effective_values(settings: Settings) -> Mapping[str, str]:
    """Every setting's value as it may be shown: secrets hidden."""
    return {name: shown(name, getattr(settings, name)) for name in Settings.model_fields}


def shown(name: str, setting: Any) -> str:
    """Write a value as it could have been set, secrets hidden; empty for none."""
    if setting is None:
        return ""
    if isinstance(setting, SecretStr):
        return "***"
    if isinstance(setting, bool):
        return str(setting).lower()
    if isinstance(setting, tuple):
        return ",".join(setting)
    if isinstance(setting, Enum):
        return str(setting.value)
    return without_password(setting) if name.endswith("_url") else str(setting)


def _kind(name: str, field: FieldInfo) -> str:
    for end, kind in _KINDS:
        if name.endswith(end):
            return kind
    annotation: Any = field.annotation
    if isinstance(annotation, type) and issubclass(annotation, Enum):
        return _either([str(member.value) for member in annotation])
    if annotation is bool:
        return "true or false"
    if annotation in {int, float}:
        return _number_kind(annotation, field)
    words = getattr(annotation, "__args__", ())
    if words and all(isinstance(word, str) for word in words):
        return _either(list(words))
    return "secret" if name == "vault_key" else "text"


def _either(words: list[str]) -> str:
    return f"{', '.join(words[:-1])} or {words[-1]}"


def _number_kind(annotation: type, field: FieldInfo) -> str:
    limits = {
        key: getattr(rule, key)
        for rule in field.metadata
        for key in ("ge", "le")
        if hasattr(rule, key)
    }
    noun = "a whole number" if annotation is int else "a number"
    return f"{noun} from {limits['ge']} to {limits['le']}"


FACTS = _facts()
