"""What is an account's credential, and how is it kept from being shown?  Pure."""

import hashlib
import re
from collections.abc import Callable
from enum import StrEnum
from typing import NoReturn

_ACCOUNT = re.compile(r"[a-z][a-z0-9-]{0,31}")  # such as desk-7
# OKX sends and takes all three as ASCII in HTTP headers; a control character there could add one.
_KEY = re.compile(r"[\x21-\x7e]{1,128}")
_PASSPHRASE = re.compile(r"[\x21-\x7e](?:[\x20-\x7e]{0,126}[\x21-\x7e])?")
_FINGERPRINT_LENGTH = 8


class Environment(StrEnum):
    """Whether a credential moves real funds.

    Source: OKX docs v5, "Demo Trading Services".
    """

    LIVE = "live"
    DEMO = "demo"


class MalformedCredentialError(ValueError):
    """A part of a credential cannot be right; the message names the part and never its value."""


class Credential:
    """An API key with its secret and passphrase, for one account in one environment.

    `version` counts the keys that the account has had, from 1. The secret parts can be had from
    `reveal` alone: printing, pickling, copying and comparing show nothing or raise TypeError.

    Raises:
        MalformedCredentialError: A part is not what OKX hands out.
    """

    __slots__ = ("_hidden", "account", "environment", "fingerprint", "version")

    def __init__(
        self,
        *,
        account: str,
        environment: Environment,
        version: int,
        secrets: tuple[str, str, str],
    ) -> None:
        if version < 1:
            raise MalformedCredentialError("the version must be 1 or more")
        check_account_name(account)
        _check_secrets(secrets)
        self.account = account
        self.environment = environment
        self.version = version
        self.fingerprint = fingerprint_of(secrets[0])
        # A closure, because tools that walk attributes print what they find there.
        self._hidden: Callable[[], tuple[str, str, str]] = lambda: secrets

    def reveal(self) -> tuple[str, str, str]:
        """API key, secret key and passphrase; called within custody only."""
        return self._hidden()

    def __repr__(self) -> str:
        return (
            f"<Credential {self.account} {self.environment} v{self.version} "
            f"key {self.fingerprint}, secrets hidden>"
        )

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("a credential cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("a credential cannot be pickled or copied")

    def __eq__(self, other: object) -> NoReturn:
        raise TypeError("credentials cannot be compared")

    def __hash__(self) -> NoReturn:
        raise TypeError("a credential cannot be hashed")


def check_account_name(account: str) -> None:
    """Check the name that callers will know the account by.

    Raises:
        MalformedCredentialError: It is not one; the message shows it.
    """
    if not _ACCOUNT.fullmatch(account):
        raise MalformedCredentialError(
            f"account name {account[:64]!r} must be 1 to 32 of a-z, 0-9 and -, "
            "beginning with a letter; for example desk-7"
        )


def fingerprint_of(api_key: str) -> str:
    """Name an API key without showing it: the first 8 hex digits of its SHA-256."""
    return hashlib.sha256(api_key.encode()).hexdigest()[:_FINGERPRINT_LENGTH]


def _check_secrets(secrets: tuple[str, str, str]) -> None:
    api_key, secret, passphrase = secrets
    for name, value in (("API key", api_key), ("secret key", secret)):
        if not _KEY.fullmatch(value):
            raise MalformedCredentialError(
                f"the {name} must be 1 to 128 printable ASCII characters without a space"
            )
    if not _PASSPHRASE.fullmatch(passphrase):
        raise MalformedCredentialError(
            "the passphrase must be 1 to 128 printable ASCII characters, no space at either end"
        )
