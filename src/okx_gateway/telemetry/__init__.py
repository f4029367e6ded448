"""What does a running gateway tell of itself?  Spans, metrics and log lines."""

from okx_gateway.telemetry.install import Telemetry, install

__all__ = ["Telemetry", "install"]
