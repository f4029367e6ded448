"""What can be set, and is what was set right?  Settings are read once, when a process starts."""

from okx_gateway.settings.listen_address import ListenAddress
from okx_gateway.settings.load import (
    Effective,
    Origin,
    SettingsError,
    load_effective,
    load_settings,
)
from okx_gateway.settings.model import Settings
from okx_gateway.settings.rule import missing_for_serving
from okx_gateway.settings.table import SettingFact, describe, effective_values

__all__ = [
    "Effective",
    "ListenAddress",
    "Origin",
    "SettingFact",
    "Settings",
    "SettingsError",
    "describe",
    "effective_values",
    "load_effective",
    "load_settings",
    "missing_for_serving",
]
