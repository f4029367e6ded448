"""Are the settings right, and if not, what all is wrong with them?

Touches the file system, where a file of settings is named.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from pydantic import ValidationError

from okx_gateway.settings.model import Settings
from okx_gateway.settings.region import HOST_SETTINGS
from okx_gateway.settings.rule import RULES
from okx_gateway.settings.source import (
    FILE_VARIABLE,
    Reading,
    Readings,
    read_environment,
    read_file,
    variable,
)
from okx_gateway.settings.table import FACTS
from okx_gateway.settings.value import without_password

_VALUE_LENGTH_MAX = 100
_NAMES = frozenset(Settings.model_fields)
# An empty text means "not set", so that a template may leave a variable empty; save here, where
# empty is a value.
_EMPTY_IS_A_VALUE = frozenset({"admin_listen", "metrics_listen", "option_families"})


class Origin(StrEnum):
    """Where a setting's value comes from."""

    DEFAULT = "default"
    PRESET = "preset"
    FILE = "file"
    ENVIRONMENT = "environment"


class SettingsError(Exception):
    """Settings are wrong; the text is the whole report, one problem a line."""

    def __init__(self, problems: tuple[str, ...]) -> None:
        count = "1 setting is" if len(problems) == 1 else f"{len(problems)} settings are"
        super().__init__("\n".join((f"{count} wrong:", *(f"  {each}" for each in problems))))
        self.problems = problems


@dataclass(frozen=True, slots=True)
class Effective:
    """The settings in force, and by name where each comes from."""

    settings: Settings
    origins: Mapping[str, Origin]


def load_settings(environ: Mapping[str, str]) -> Settings:
    """Read the settings from the environment and the file that it may name.

    Raises:
        SettingsError: With everything that is wrong.
    """
    return load_effective(environ).settings


def load_effective(environ: Mapping[str, str]) -> Effective:
    """Read the settings and remember where each comes from.

    Raises:
        SettingsError: With everything that is wrong.
    """
    from_file = Readings({}, ())
    if path := environ.get(FILE_VARIABLE, ""):
        from_file = read_file(Path(path), _NAMES)
    from_environ = read_environment(environ, _NAMES)
    readings = {
        name: reading
        for name, reading in {**from_file.values, **from_environ.values}.items()
        if reading.text.strip() or name in _EMPTY_IS_A_VALUE
    }
    wrong: dict[str, str] = {}
    settings = _checked(readings, wrong)
    problems = (
        *from_file.problems,
        *from_environ.problems,
        *wrong.values(),
    )
    if problems:
        raise SettingsError(problems)
    return Effective(settings, dict(_origins(readings)))


def _checked(readings: Mapping[str, Reading], wrong: dict[str, str]) -> Settings:
    """Check every setting, then the rules between those that are right."""
    given: dict[str, Any] = {name: reading.text for name, reading in readings.items()}
    try:
        settings = Settings.model_validate(given)
    except ValidationError as error:
        for fault in error.errors(include_url=False, include_input=False, include_context=False):
            name = str(fault["loc"][0])
            wrong.setdefault(name, _told(name, fault["type"], fault["msg"], readings))
        right = {name: text for name, text in given.items() if name not in wrong}
        settings = Settings.model_validate(right)
    for rule in RULES:
        fault_text = "" if wrong.keys() & set(rule.names) else rule.fault(settings)
        if fault_text:
            wrong[rule.names[0]] = f"{variable(rule.names[0])}: {fault_text}"
    return settings


def _told(name: str, kind: str, message: str, readings: Mapping[str, Reading]) -> str:
    """One line of the report: the variable, what is wrong with what was set, and a right one."""
    fact = FACTS[name]
    fault = f"must be {fact.kind}"
    if kind == "value_error":
        fault = message.removeprefix("Value error, ")
    reading = readings[name]
    place = f" ({reading.place})" if reading.place else ""
    return (
        f"{fact.variable}{place}: {fault}, not {_shown(name, reading.text)}; "
        f"for example {fact.example}"
    )


def _shown(name: str, text: str) -> str:
    if name == "vault_key":
        return "what was given"
    shown = without_password(text) if name.endswith("_url") else text
    cut = "..." if len(shown) > _VALUE_LENGTH_MAX else ""
    return repr(shown[:_VALUE_LENGTH_MAX]) + cut


def _origins(readings: Mapping[str, Reading]) -> Iterator[tuple[str, Origin]]:
    for name in Settings.model_fields:
        reading = readings.get(name)
        if reading is not None:
            yield name, Origin.FILE if reading.place else Origin.ENVIRONMENT
        else:
            yield name, Origin.PRESET if name in HOST_SETTINGS else Origin.DEFAULT
