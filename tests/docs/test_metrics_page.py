"""Does docs/metrics.md tell what /metrics does?"""

import re
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest
import yaml
from prometheus_client.parser import text_string_to_metric_families

from okx_gateway.usecases.alarms import Alarm

PAGE = (Path(__file__).resolve().parents[2] / "docs" / "metrics.md").read_text(encoding="utf-8")
_ROW = re.compile(
    r"^\| `(?P<name>\w+)` \| (?P<kind>\w+) \| (?P<labels>.*?) ?\| (?P<meaning>.*) \|$", re.MULTILINE
)
# Told by the libraries, on every program's page.
_OF_THE_PROCESS = ("process_", "python_", "target_")

# In a process of its own, because providers can be installed only once in each.
TELL = """
import inspect, urllib.request
from okx_gateway import metric
from okx_gateway.edge.rpc_span import HttpRoute, rpc_span
from okx_gateway.settings import load_settings
from okx_gateway.telemetry import install

telemetry = install(load_settings({"OKX_GATEWAY_METRICS_LISTEN": "127.0.0.1:0"}))
examples = {"window": "place_order:BTC-USDT", "name": "queue_time", "sounds": True}
for name, told in inspect.getmembers(metric, inspect.isfunction):
    if told.__module__ == metric.__name__ and not name.startswith("_"):
        told(**{each: examples.get(each, 1) for each in inspect.signature(told).parameters})
for http in (None, HttpRoute("POST", "/v1/accounts/{account}/orders")):
    with rpc_span("okx_gateway.api.v1.GatewayService/PlaceOrder", {}, http=http) as span:
        span.end_with("INTERNAL", http_status=500 if http else None)
with urllib.request.urlopen(f"http://{telemetry.metrics_address}/metrics", timeout=5) as response:
    print(response.read().decode())
telemetry.shutdown()
"""


@pytest.fixture(scope="module")
def told() -> dict[str, Any]:
    """Every metric family by the name that people look for."""
    done = subprocess.run(
        [sys.executable, "-c", TELL], capture_output=True, text=True, timeout=60, check=True
    )
    return {
        f"{family.name}_total" if family.type == "counter" else family.name: family
        for family in text_string_to_metric_families(done.stdout)
        if not family.name.startswith(_OF_THE_PROCESS)
    }


def rows() -> dict[str, re.Match[str]]:
    return {row["name"]: row for row in _ROW.finditer(PAGE)}


def test_the_page_has_every_metric_and_no_other(told: dict[str, Any]) -> None:
    assert {name: (row["kind"], row["meaning"]) for name, row in rows().items()} == {
        name: (family.type, family.documentation) for name, family in told.items()
    }


def test_the_page_has_every_label(told: dict[str, Any]) -> None:
    for name, row in rows().items():
        labels = {label for sample in told[name].samples for label in sample.labels} - {"le"}
        named = set(re.findall(r"(?:^|, )`(\w+)`", row["labels"].split(":")[0]))
        assert named == labels, name
    assert f"`alarm`: {', '.join(f'`{each}`' for each in sorted(Alarm))}" in PAGE


def test_every_rule_is_about_metrics_that_there_are(told: dict[str, Any]) -> None:
    [text] = re.findall(r"```yaml rules.yaml\n(.*?)```", PAGE, re.DOTALL)
    rules = [rule for group in yaml.safe_load(text)["groups"] for rule in group["rules"]]
    assert rules
    for rule in rules:
        names = re.findall(r"\bokx_gateway_\w+", rule["expr"])
        assert names, rule["alert"]
        for name in names:
            assert name.removesuffix("_bucket") in told, rule["alert"]


def test_a_window_of_an_instrument_is_no_label_of_its_own(told: dict[str, Any]) -> None:
    [sample] = told["okx_gateway_budget_throttled_total"].samples
    assert sample.labels == {"window": "place_order"}
