"""Figures that are told, read back: real instruments beside the global ones."""

from collections.abc import Mapping

import pytest
from opentelemetry.sdk.metrics import MeterProvider
from opentelemetry.sdk.metrics.export import HistogramDataPoint, InMemoryMetricReader

from okx_gateway import metric

Labels = Mapping[str, str]


class Metered:
    """What was told since it was made."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch) -> None:
        self._reader = InMemoryMetricReader()
        self._provider = MeterProvider([self._reader])
        instruments = metric.Instruments(self._provider.get_meter("test"))
        monkeypatch.setattr(metric, "_TOLD", instruments)

    def told(self, name: str) -> dict[str, float]:
        """Of a figure without `okx_gateway.`: by its labels' values, its value or its sum."""
        exported = self._reader.get_metrics_data()
        return {
            ",".join(str(each) for each in (point.attributes or {}).values()): (
                point.sum if isinstance(point, HistogramDataPoint) else point.value  # type: ignore[union-attr]
            )
            for resource in (exported.resource_metrics if exported else [])
            for scope in resource.scope_metrics
            for found in scope.metrics
            if found.name == f"okx_gateway.{name}"
            for point in found.data.data_points
        }

    def close(self) -> None:
        self._provider.shutdown()
