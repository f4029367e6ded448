import dataclasses
import json
from typing import Any

import pytest

from okx_gateway.custody.credential import Credential, Environment
from okx_gateway.custody.sealed_record import (
    SealedRecord,
    record_from_json,
    record_to_json,
    rewrap,
    seal,
    unseal,
)
from okx_gateway.custody.vault_key import VaultError, VaultKey

KEY = VaultKey(bytes(32))
OTHER_KEY = VaultKey(bytes([1]) * 32)
SECRETS = ("key-of-desk-7", "secret-of-desk-7", 'phrase "of" desk-7')


def a_record(
    account: str = "desk-7", environment: Environment = Environment.DEMO, version: int = 1
) -> SealedRecord:
    credential = Credential(
        account=account, environment=environment, version=version, secrets=SECRETS
    )
    return seal(credential, KEY, add_time="2026-11-22T12:00:00Z")


def test_a_sealed_credential_opens_whole() -> None:
    credential = unseal(a_record(version=3), KEY)
    assert credential.reveal() == SECRETS
    assert (credential.account, credential.environment, credential.version) == (
        "desk-7",
        Environment.DEMO,
        3,
    )


def test_it_survives_the_way_through_json() -> None:
    record = a_record()
    row = json.loads(json.dumps(record_to_json(record)))
    assert record_from_json(row) == record


def test_nothing_secret_is_in_it() -> None:
    text = json.dumps(record_to_json(a_record())) + repr(a_record())
    assert not any(secret in text for secret in SECRETS)


def test_another_vault_key_is_told_from_a_forgery() -> None:
    with pytest.raises(VaultError, match=r"desk-7 \(demo, version 1\) was sealed with vault key"):
        unseal(a_record(), OTHER_KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"account": "desk-8"},
        {"environment": Environment.LIVE},
        {"version": 2},
        {"key_fingerprint": "00000000"},
        {"add_time": "2027-01-01T00:00:00Z"},
    ],
)
def test_whatever_it_says_in_clear_is_bound_to_it(change: dict[str, Any]) -> None:
    with pytest.raises(VaultError, match="altered"):
        unseal(dataclasses.replace(a_record(), **change), KEY)


def test_records_cannot_be_swapped() -> None:
    mine, theirs = a_record("desk-7"), a_record("desk-8")
    both: dict[str, Any] = {"wrapped_key": theirs.wrapped_key, "sealed": theirs.sealed}
    for part in (*({name: value} for name, value in both.items()), both):
        with pytest.raises(VaultError, match=r"desk-7 \(demo"):
            unseal(dataclasses.replace(mine, **part), KEY)


def test_the_two_seals_of_a_record_cannot_stand_for_each_other() -> None:
    record = a_record()
    with pytest.raises(VaultError, match="altered"):
        unseal(dataclasses.replace(record, wrapped_key=record.sealed), KEY)


def test_a_rewrapped_record_opens_with_the_new_key_alone() -> None:
    record = a_record()
    moved = rewrap(record, old=KEY, new=OTHER_KEY)
    assert moved.sealed == record.sealed
    assert unseal(moved, OTHER_KEY).reveal() == SECRETS
    with pytest.raises(VaultError):
        unseal(moved, KEY)
    with pytest.raises(VaultError):
        rewrap(record, old=OTHER_KEY, new=KEY)


@pytest.mark.parametrize(
    "change",
    [
        {"version": "1"},
        {"version": True},
        {"version": 0},
        {"environment": "prod"},
        {"environment": 1},
        {"account": "Desk"},
        {"sealed": "not base64!"},
        {"sealed": None},
        {"surplus": 1},
    ],
)
def test_a_malformed_row_is_refused_by_name(change: dict[str, Any]) -> None:
    with pytest.raises(VaultError, match=r"(?i)desk"):
        record_from_json({**record_to_json(a_record()), **change})


@pytest.mark.parametrize("name", [field.name for field in dataclasses.fields(SealedRecord)])
def test_a_row_without_one_of_its_parts_is_refused(name: str) -> None:
    row = record_to_json(a_record())
    del row[name]
    with pytest.raises(VaultError, match=name):
        record_from_json(row)
