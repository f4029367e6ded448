"""What is needed to try the gateway on one machine?  Simulator, Valkey, vault and gateway together.

The vault is made anew in a folder of its own and removed with it: nothing of the set stays behind.
"""

import asyncio
import re
import sys
import tempfile
from collections.abc import AsyncIterator, Callable, Mapping
from contextlib import AsyncExitStack, asynccontextmanager
from dataclasses import dataclass
from pathlib import Path

from okx_gateway import app
from okx_gateway.cli.child_process import child_process
from okx_gateway.cli.embedded_valkey import embedded_valkey
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key_file import create_vault_key
from okx_gateway.settings import Settings, load_settings

ACCOUNT = "main"
# The simulator's own account; its documentation names these, and no other exchange knows them.
_SIMULATOR_SECRETS = (
    "00000000-0000-4000-8000-000000000001",
    "SIMULATORSECRET00000000000000001",
    "Simulator-1",
)
_START_WAIT_S = 30.0
_ADDRESS = re.compile(r"http and ws on (127\.0\.0\.1:\d+)")


@dataclass(frozen=True, slots=True)
class Surroundings:
    """What a gateway needs around it, running; `settings` points a gateway at all of it."""

    settings: Settings
    exchange: str


@asynccontextmanager
async def surroundings(
    environ: Mapping[str, str], *, seed: int, tell: Callable[[str], None]
) -> AsyncIterator[Surroundings]:
    """Start simulator, Valkey and vault for the block; `environ` adds OKX_GATEWAY_* variables.

    Raises:
        ChildFailedError, NoServerError: A part did not start; says why.
    """
    async with AsyncExitStack() as stack:
        folder = Path(stack.enter_context(tempfile.TemporaryDirectory(prefix="okx-gateway-")))
        tell("Starting the exchange (a simulator) ...")
        exchange = await stack.enter_async_context(simulator(seed))
        tell("Starting Valkey ...")
        redis_url = await stack.enter_async_context(embedded_valkey())
        tell("Sealing the simulator's key in a vault ...")
        _make_vault(folder)
        yield Surroundings(
            load_settings({**_variables(folder, exchange, redis_url), **environ}), exchange
        )


@asynccontextmanager
async def simulator(seed: int) -> AsyncIterator[str]:
    """Run the simulated OKX for the block; its address, `127.0.0.1:` and a port.

    Raises:
        ChildFailedError: It did not start.
    """
    command = [sys.executable, "-m", "okx_simulator", "--listen", "127.0.0.1:0"]
    async with child_process(
        [*command, "--seed", str(seed)],
        is_ready=lambda line: _ADDRESS.search(line) is not None,
        wait_s=_START_WAIT_S,
        name="the simulator",
    ) as lines:
        found = _ADDRESS.search(lines[-1])
        assert found is not None  # noqa: S101  # is_ready took this line
        yield found[1]


def _make_vault(folder: Path) -> None:
    key = create_vault_key(folder / "vault.key")
    vault = VaultFile(folder / "vault.json")
    vault.create()
    vault.add(ACCOUNT, Environment.LIVE, _SIMULATOR_SECRETS, key)


def _variables(folder: Path, exchange: str, redis_url: str) -> dict[str, str]:
    own = {
        "REDIS_URL": redis_url,
        "REDIS_IS_NEW": "true",
        "ENVIRONMENT": "live",
        "OKX_REST_URL": f"http://{exchange}",
        "OKX_WS_PUBLIC_URL": f"ws://{exchange}/ws/v5/public",
        "OKX_WS_PRIVATE_URL": f"ws://{exchange}/ws/v5/private",
        "OKX_WS_BUSINESS_URL": f"ws://{exchange}/ws/v5/business",
        "VAULT_PATH": str(folder / "vault.json"),
        "VAULT_KEY_FILE": str(folder / "vault.key"),
        "GRPC_REFLECTION": "true",
        "TRACE_SAMPLE_RATIO": "1",
    }
    return {f"OKX_GATEWAY_{name}": value for name, value in own.items()}


async def until_ready(gateway: app.Gateway, wait_s: float = _START_WAIT_S) -> None:
    """Wait until the gateway wants calls.

    Raises:
        TimeoutError: It did not come to want them; the text says why.
    """
    for _ in range(int(wait_s / 0.05)):
        if not gateway.unready_because():
            return
        await asyncio.sleep(0.05)
    raise TimeoutError(f"the gateway is not ready: {', '.join(gateway.unready_because())}")
