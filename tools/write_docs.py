"""Which pages of docs/ are tables of the code?  Writes them from the code itself.

`--check` writes nothing and fails where a page is not what would be written.
"""

import argparse
import sys
from pathlib import Path

from okx_gateway.domain.placing import FINAL, PLACING, State
from okx_gateway.okx import rate_limit
from okx_gateway.okx.endpoint import Endpoint
from okx_gateway.okx.rate_limit import Limit
from okx_gateway.settings import SettingFact, describe

FOLDER = Path(__file__).resolve().parent.parent / "docs"

_SETTINGS_INTRODUCTION = """# Settings

This page is written by `tools/write_docs.py`; change the settings in
`src/okx_gateway/settings/` and run it again.

A setting is an environment variable. Or it stands in one YAML file, which `OKX_GATEWAY_CONFIG`
names: there each setting is called by its name without `OKX_GATEWAY_`, in lower case, such as
`redis_url`. The environment wins over the file. Everything is checked at the start, and
everything that is wrong is told at once, with an example of what is right. A variable that
begins with `OKX_GATEWAY_` and names no setting is taken for a misspelling, and is an error.

```sh
.venv/bin/okx-gateway config check   # what is in force, and where each value comes from
.venv/bin/okx-gateway config list    # this page, in the terminal
```

A file, and the command that checks it:

```yaml settings.yaml
region: eea
environment: demo
redis_url: redis://127.0.0.1:6379/0
option_families: [BTC-USD, ETH-USD]
```

```sh
OKX_GATEWAY_CONFIG=settings.yaml .venv/bin/okx-gateway config check
```

Telemetry obeys OpenTelemetry's own `OTEL_*` variables. Spans are sent once
`OTEL_EXPORTER_OTLP_ENDPOINT` or `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT` is set, over gRPC.

"""


_LIMITS_INTRODUCTION = """# Limits of OKX

This page is written by `tools/write_docs.py` from `src/okx_gateway/okx/rate_limit.py`, where the
source of each limit is told.

*Counted by*: whose requests share a window, and which word of the request tells windows apart. By
*user+instrument*, OPTION is counted by user and instrument family. Where *orders* are counted, each
order of a batch counts; a batch of one order counts as the single request. *Sub-account* tells what
also counts towards the limit of the whole sub-account. The operation over a WebSocket shares the
windows of its request. *Used as* is the gateway's name for what it asks itself.

"""


_STATES_HEADING = "## States\n\n"


def settings_page() -> str:
    """Write docs/settings.md."""
    return _SETTINGS_INTRODUCTION + "\n".join(_section(fact) for fact in describe())


def _section(fact: SettingFact) -> str:
    unit = f", in {fact.unit}" if fact.unit else ""
    default = f"`{fact.default}`" if fact.default else "none"
    return (
        f"## {fact.variable}\n\n{fact.meaning}\n\n"
        f"- Type: {fact.kind}{unit}\n"
        f"- Default: {default}\n"
        f"- Example: `{fact.example}`\n"
    )


def limits_page() -> str:
    """Write docs/limits.md."""
    used = {(endpoint.method, endpoint.path): endpoint.name for endpoint in Endpoint}
    rows = [
        "| Request | Limit | Counted by | Counts | Sub-account | Operation | Used as |",
        "|---|---|---|---|---|---|---|",
    ]
    for (method, path), limit in rate_limit.LIMITS.items():
        counts = "orders" if limit.order_weighted else "requests"
        sub_account = "yes" if limit.sub_account else ""
        operation = f"`{limit.operation}`" if limit.operation else ""
        rows.append(
            f"| {method} `{path}` | {_rate(limit)} | {limit.scope} | {counts} | {sub_account} "
            f"| {operation} | {used.get((method, path), '')} |"
        )
    return _LIMITS_INTRODUCTION + "\n".join(rows) + "\n\n" + _other_limits()


def _other_limits() -> str:
    tiers = ", ".join(f"{count:,} from {ratio}" for ratio, count in rate_limit.FILL_RATIO_TIERS)
    channels = ", ".join(f"`{name}`" for name in sorted(rate_limit.CHANNELS_BY_CONNECTIONS))
    return f"""## Sub-account

New and amended orders of a sub-account: {_rate(rate_limit.SUB_ACCOUNT_LIMIT)}, over all instruments
but SPOT and MARGIN, which are exempt. From VIP 5 on the fill ratio raises it: {tiers}.

## WebSocket

- Connecting: {_rate(rate_limit.CONNECT_LIMIT)}, by address.
- Subscribing, unsubscribing and logging in: {_rate(rate_limit.CONNECTION_REQUEST_LIMIT)}, by
  connection.
- Arguments of one request: {rate_limit.ARGUMENTS_BYTES_MAX:,} bytes.
- Connections of one sub-account: {rate_limit.CHANNEL_CONNECTIONS_MAX} for each of {channels}.
"""


def _rate(limit: Limit) -> str:
    return f"{limit.count:,} in {limit.window_ms // 1000:,} s"


def protocol_page() -> str:
    """Write docs/order-protocol.md: its states; what stands before them is written by hand."""
    prose, heading, _ = (FOLDER / "order-protocol.md").read_text("utf-8").partition(_STATES_HEADING)
    arrows = [
        f"    {_shown(state)} --> {_shown(step.to)}: {event.value}"
        for (state, event), step in PLACING.items()
    ]
    ends = [f"    {_shown(state)} --> [*]" for state in State if state in FINAL]
    diagram = "\n".join(
        ["```mermaid", "stateDiagram-v2", f"    [*] --> {_shown(State.NEW)}", *arrows, *ends, "```"]
    )
    rows = [
        "| In | What happens | Then | The caller is told | gRPC status |",
        "|---|---|---|---|---|",
        *(
            f"| {_shown(state)} | {event.value} | {_shown(step.to)} | {step.told or '-'} "
            f"| {step.status or '-'} |"
            for (state, event), step in PLACING.items()
        ),
    ]
    return f"{prose}{heading}{diagram}\n\n" + "\n".join(rows) + "\n"


def _shown(state: State) -> str:
    return state.value.upper()


PAGES = {
    "settings.md": settings_page,
    "limits.md": limits_page,
    "order-protocol.md": protocol_page,
}


def main() -> None:
    """Write the pages, or with `--check` compare them."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    check = parser.parse_args().check
    for name, page in PAGES.items():
        path = FOLDER / name
        if not check:
            path.write_text(page(), encoding="utf-8")
        elif not path.exists() or path.read_text(encoding="utf-8") != page():
            sys.exit(f"docs/{name} is stale: run .venv/bin/python tools/write_docs.py")


if __name__ == "__main__":
    main()
