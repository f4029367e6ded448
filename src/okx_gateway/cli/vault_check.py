"""Do the credentials of a vault work?  Touches the network: asks OKX about each key, with it."""

import asyncio
import ssl
from collections.abc import Sequence
from dataclasses import dataclass

from okx_gateway.custody.credential import Credential
from okx_gateway.custody.credential_check import CredentialVerdict, advice_on, judge_credential
from okx_gateway.custody.sealed_record import SealedRecord, unseal
from okx_gateway.custody.signer import Signer
from okx_gateway.custody.vault_key import VaultError, VaultKey
from okx_gateway.domain.errors import CredentialUnusableError, GatewayError
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.settings import Settings

# Not counted by the budget that a running gateway keeps, so well below the 5 in 2 s that OKX
# allows. Source: OKX docs v5, "Get account configuration".
_PAUSE_S = 0.5


@dataclass(frozen=True, slots=True)
class RecordCheck:
    """What came out for one record; `verdict` is None where OKX was not asked or did not say."""

    record: SealedRecord
    faults: tuple[str, ...]
    verdict: CredentialVerdict | None


def check_offline(records: Sequence[SealedRecord], key: VaultKey) -> list[RecordCheck]:
    """Open every record."""
    return [
        opened
        if isinstance(opened := _opened(record, key), RecordCheck)
        else RecordCheck(record, (), None)
        for record in records
    ]


async def check_online(
    records: Sequence[SealedRecord], key: VaultKey, settings: Settings
) -> list[RecordCheck]:
    """Open every record, and ask OKX about the key inside."""
    checks: list[RecordCheck] = []
    asked = False
    async with RestClient(settings.okx_rest_url, tls=_tls(settings)) as rest:
        for record in records:
            opened = _opened(record, key)
            if isinstance(opened, RecordCheck):
                checks.append(opened)
                continue
            if asked:
                await asyncio.sleep(_PAUSE_S)
            asked = True
            checks.append(await _asked(record, opened, rest))
    return checks


def _opened(record: SealedRecord, key: VaultKey) -> Credential | RecordCheck:
    try:
        return unseal(record, key)
    except VaultError as error:
        return RecordCheck(record, (str(error),), None)


async def _asked(record: SealedRecord, credential: Credential, rest: RestClient) -> RecordCheck:
    environment = credential.environment
    signer = Signer([credential], environment=environment)
    clock = ExchangeClock()
    exchange = ExchangeClient(rest, signer, clock, demo=environment == "demo")
    try:
        await exchange.synchronise()
        config = await exchange.account_config(credential.account)
    except CredentialUnusableError as error:
        cause = error.metadata["cause"].rstrip(".")
        advice = advice_on(cause.partition(" ")[0])
        return RecordCheck(
            record, (f"OKX refuses the key: {cause}{advice and f'; {advice}'}",), None
        )
    except GatewayError as error:
        return RecordCheck(record, (f"could not ask OKX: {error}",), None)
    verdict = judge_credential(config, credential=environment, gateway=environment)
    return RecordCheck(record, verdict.refusals, verdict)


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.okx_ca_file is None:
        return None
    return ssl.create_default_context(cafile=str(settings.okx_ca_file))
