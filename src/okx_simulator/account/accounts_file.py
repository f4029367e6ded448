"""Which accounts and keys does the exchange have at the start? Reads one YAML or JSON file.

The file holds one object with the key `accounts`, a list of `AccountSettings`; every key of an
account and of an API key is a field below. The smallest account is::

    accounts:
      - uid: "100000000000000001"
        keys:
          - key: 00000000-0000-4000-8000-000000000001
            secret: SIMULATORSECRET00000000000000001
            passphrase: Simulator-1
"""

import re
from collections import Counter
from decimal import Decimal
from ipaddress import IPv4Network, IPv6Network
from pathlib import Path
from typing import Annotated, Literal, Self

import yaml
from pydantic import BaseModel, ConfigDict, Field, model_validator

from okx_simulator.market.instrument_table import START_USD

KEY_PATTERN = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")
Permission = Literal["read_only", "trade", "withdraw"]
Money = dict[str, Annotated[Decimal, Field(ge=0)]]


class _Settings(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True)


class ApiKey(_Settings):
    """An API key: what signs requests, what it may do, and from where.

    `ips` are addresses or networks, at most 20; an empty list lets every address in. A `demo` key
    needs the header `x-simulated-trading: 1`, and any other key refuses it.
    """

    key: str = Field(pattern=f"^{KEY_PATTERN.pattern}$")
    secret: str = Field(min_length=1, repr=False)
    passphrase: str = Field(min_length=1, repr=False)
    permissions: tuple[Permission, ...] = ("read_only", "trade")
    ips: tuple[IPv4Network | IPv6Network, ...] = Field(default=(), max_length=20)
    demo: bool = False
    label: str = "simulator"


class AccountSettings(_Settings):
    """An account: its mode and what it owns at the start.

    `main_uid` is the master account, empty for a master. `account_level` is 1 spot, 2 futures,
    3 multi-currency margin, 4 portfolio margin. `balances` is the trading account and `funding`
    the funding account, by currency.
    """

    uid: str = Field(pattern=r"^[0-9]{1,20}$")
    main_uid: str = Field(default="", pattern=r"^[0-9]{0,20}$")
    label: str = "simulator"
    account_level: Literal["1", "2", "3", "4"] = "2"
    position_mode: Literal["net_mode", "long_short_mode"] = "net_mode"
    stp_mode: Literal["cancel_maker", "cancel_taker", "cancel_both"] = "cancel_maker"
    balances: Money = Field(default_factory=dict)
    funding: Money = Field(default_factory=dict)
    keys: tuple[ApiKey, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _known_currencies(self) -> Self:
        for ccy in (*self.balances, *self.funding):
            if ccy not in START_USD:
                raise ValueError(f"{ccy} is none of {', '.join(START_USD)}")
        if self.account_level == "4" and self.position_mode != "net_mode":
            raise ValueError("portfolio margin knows the net mode only")
        return self


class AccountsFile(_Settings):
    """The whole file."""

    accounts: tuple[AccountSettings, ...] = Field(min_length=1)

    @model_validator(mode="after")
    def _unique(self) -> Self:
        uids = Counter(account.uid for account in self.accounts)
        keys = Counter(key.key for account in self.accounts for key in account.keys)
        twice = [name for name, count in (uids + keys).items() if count > 1]
        if twice:
            raise ValueError(f"given twice: {', '.join(twice)}")
        return self


DEFAULT_ACCOUNTS = (
    AccountSettings(
        uid="100000000000000001",
        balances={
            "USDT": Decimal(100_000),
            "USDC": Decimal(100_000),
            "BTC": Decimal(5),
            "ETH": Decimal(50),
            "SOL": Decimal(100),
        },
        funding={"USDT": Decimal(50_000), "BTC": Decimal(1)},
        keys=(
            ApiKey(
                key="00000000-0000-4000-8000-000000000001",
                secret="SIMULATORSECRET00000000000000001",  # noqa: S106 - the published default
                passphrase="Simulator-1",  # noqa: S106 - the published default
            ),
        ),
    ),
)


def read_accounts(path: Path) -> tuple[AccountSettings, ...]:
    """Return the accounts of the file.

    Raises:
        OSError: The file cannot be read.
        ValueError: It is not YAML, or not of the form described above; the text names the place.
    """
    try:
        content = yaml.safe_load(path.read_text(encoding="utf-8"))
    except yaml.YAMLError as error:
        raise ValueError(f"{path} is not YAML: {error}") from error
    return AccountsFile.model_validate(content).accounts
