import copy
import hmac
import pickle

import pytest

from okx_gateway.custody.journal_seal import JournalSeal
from okx_gateway.custody.vault_key import VaultKey

KEY = b"one vault key that tests have.. "
SEAL = JournalSeal(VaultKey(KEY))


def test_a_tag_is_of_its_parts_alone() -> None:
    tag = SEAL.tag("order", "a1", "12")
    assert SEAL.is_genuine(tag, "order", "a1", "12")
    for others in (("order", "a1", "1", "2"), ("order", "a11", "2"), ("order", "a1"), ()):
        assert not SEAL.is_genuine(tag, *others)
    assert not SEAL.is_genuine("", "order", "a1", "12")
    assert not SEAL.is_genuine("é" * 32, "order", "a1", "12")


def test_all_replicas_agree_and_another_vault_does_not() -> None:
    assert JournalSeal(VaultKey(KEY)).tag("a") == SEAL.tag("a")
    assert JournalSeal(VaultKey(b"another vault key that tests hav")).tag("a") != SEAL.tag("a")


def test_the_key_is_not_shown_or_copied() -> None:
    assert repr(SEAL) == "<journal seal>"
    for take in (pickle.dumps, copy.copy, copy.deepcopy):
        with pytest.raises(TypeError):
            take(SEAL)


def test_a_tag_is_the_same_in_every_release() -> None:
    # Replicas of two releases share a journal: made here of hashlib alone.
    key = hmac.digest(KEY, b"derive okx-gateway journal seal", "sha256")
    assert SEAL.tag("order", "a1") == hmac.digest(key, b"5:order2:a1", "sha256")[:16].hex()


def test_a_derived_key_tells_nothing_of_the_one_it_comes_from() -> None:
    key = VaultKey(KEY)
    assert len(key.derive(b"one")) == 32
    assert key.derive(b"one") != key.derive(b"two")
    assert key.derive(b"one") == key.derive(b"one")
    assert KEY not in (key.derive(b"one"), key.derive(b""))
