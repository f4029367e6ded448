"""Which settings are there, as a page?  Writes docs/settings.md from the settings themselves.

`--check` writes nothing and fails where the page is not what would be written.
"""

import argparse
import sys
from pathlib import Path

from okx_gateway.settings import SettingFact, describe

PAGE = Path(__file__).resolve().parent.parent / "docs" / "settings.md"

_INTRODUCTION = """# Settings

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


def page() -> str:
    """Write the whole page."""
    return _INTRODUCTION + "\n".join(_section(fact) for fact in describe())


def _section(fact: SettingFact) -> str:
    unit = f", in {fact.unit}" if fact.unit else ""
    default = f"`{fact.default}`" if fact.default else "none"
    return (
        f"## {fact.variable}\n\n{fact.meaning}\n\n"
        f"- Type: {fact.kind}{unit}\n"
        f"- Default: {default}\n"
        f"- Example: `{fact.example}`\n"
    )


def main() -> None:
    """Write the page, or with `--check` compare it."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--check", action="store_true", help="write nothing; fail if stale")
    if not parser.parse_args().check:
        PAGE.write_text(page(), encoding="utf-8")
    elif not PAGE.exists() or PAGE.read_text(encoding="utf-8") != page():
        sys.exit("docs/settings.md is stale: run .venv/bin/python tools/write_docs.py")


if __name__ == "__main__":
    main()
