"""How are those who come in known, and what may they do?  Made here from the settings, for app.py.

Reads the files that say so; `work` looks whether they change.
"""

from collections.abc import Coroutine, Iterator
from dataclasses import dataclass
from typing import Any

from google.protobuf.descriptor import ServiceDescriptor

from okx_gateway.access.identity_file import IdentityFile
from okx_gateway.access.policy import Policy
from okx_gateway.access.policy_file import PolicyFile
from okx_gateway.edge.caller import Identify, believed_name
from okx_gateway.edge.permission import calls_of
from okx_gateway.edge.tls_files import TlsFiles
from okx_gateway.ledger.caller_shares import CallerShares
from okx_gateway.settings import Settings


@dataclass(frozen=True, slots=True)
class DoorParts:
    """All of it; None for what is not set."""

    identities: IdentityFile | None
    tls: TlsFiles | None
    policy_file: PolicyFile | None

    @property
    def caller(self) -> Identify:
        """Who calls."""
        return self.identities.caller_of if self.identities else believed_name

    @property
    def operator(self) -> Identify:
        """Who operates."""
        return self.identities.operator_of if self.identities else believed_name

    def policy(self) -> Policy | None:
        """What callers may do now; everything without one."""
        return self.policy_file.current if self.policy_file else None

    @property
    def shares(self) -> CallerShares | None:
        """The shares of callers in the rate limits that the policy gives."""
        return self.policy_file.shares if self.policy_file else None

    def work(self) -> Iterator[Coroutine[Any, Any, None]]:
        """What has to run all the time."""
        for each in (self.identities, self.tls, self.policy_file):
            if each is not None:
                yield each.keep_in_force()


def make_door(settings: Settings, service: ServiceDescriptor) -> DoorParts:
    """Read what is set; the policy is about the calls of `service`.

    Raises:
        IdentityError: The file of identities cannot be read.
        PolicyError: The policy cannot be read.
        OSError: A certificate cannot be read.
    """
    tls = None
    if settings.tls_certificate_file is not None and settings.tls_key_file is not None:
        tls = TlsFiles(
            settings.tls_certificate_file, settings.tls_key_file, settings.tls_client_ca_file
        )
    identities = IdentityFile(settings.identity_path) if settings.identity_path else None
    if identities is not None:
        identities.read()
    return DoorParts(identities, tls, _policy_file(settings, service))


def _policy_file(settings: Settings, service: ServiceDescriptor) -> PolicyFile | None:
    if settings.policy_path is None:
        return None
    on_account, on_market = calls_of(service)
    policy = PolicyFile(settings.policy_path, on_account=on_account, on_market=on_market)
    policy.read()
    return policy
