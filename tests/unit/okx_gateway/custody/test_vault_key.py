import base64
import pickle

import pytest
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from hypothesis import given
from hypothesis import strategies as st

from okx_gateway.custody.vault_key import (
    SealBrokenError,
    VaultError,
    VaultKey,
    new_data_key,
    new_key_text,
    vault_key_from_text,
)

KEY = bytes(range(32))


@given(st.binary(max_size=64), st.binary(max_size=64))
def test_what_is_sealed_opens_in_its_context(content: bytes, context: bytes) -> None:
    sealed = VaultKey(KEY).seal(content, context)
    assert VaultKey(KEY).unseal(sealed, context) == content


def test_the_seal_is_aes_256_gcm_behind_a_nonce_of_96_bits() -> None:
    sealed = VaultKey(KEY).seal(b"content", b"context")
    assert AESGCM(KEY).decrypt(sealed[:12], sealed[12:], b"context") == b"content"


def test_every_sealing_has_another_nonce() -> None:
    key = VaultKey(KEY)
    assert len({key.seal(b"content", b"")[:12] for _ in range(100)}) == 100


def test_any_flipped_bit_breaks_the_seal() -> None:
    key = VaultKey(KEY)
    sealed = key.seal(b"content", b"context")
    for position in range(len(sealed)):
        altered = bytearray(sealed)
        altered[position] ^= 1
        with pytest.raises(SealBrokenError):
            key.unseal(bytes(altered), b"context")


@pytest.mark.parametrize("length", [0, 1, 12, 27])
def test_a_short_seal_is_broken(length: int) -> None:
    with pytest.raises(SealBrokenError):
        VaultKey(KEY).unseal(bytes(length), b"")


def test_another_context_or_key_breaks_the_seal() -> None:
    sealed = VaultKey(KEY).seal(b"content", b"context")
    with pytest.raises(SealBrokenError):
        VaultKey(KEY).unseal(sealed, b"other context")
    with pytest.raises(SealBrokenError):
        VaultKey(new_data_key()).unseal(sealed, b"context")


def test_the_id_names_the_key_and_not_its_bytes() -> None:
    assert VaultKey(KEY).id == VaultKey(KEY).id
    assert VaultKey(KEY).id != VaultKey(new_data_key()).id
    assert VaultKey(KEY).id not in KEY.hex()


def test_it_prints_its_id_only_and_cannot_be_pickled() -> None:
    key = VaultKey(KEY)
    assert repr(key) == f"<vault key {key.id}>"
    with pytest.raises(TypeError):
        pickle.dumps(key)


def test_a_new_key_reads_back() -> None:
    text = new_key_text()
    assert len(base64.b64decode(text)) == 32
    assert (
        vault_key_from_text(f" {text}\n", origin="test").id
        == vault_key_from_text(text, origin="test").id
    )


@pytest.mark.parametrize(
    "text", ["", "not base64 at all!", base64.b64encode(bytes(31)).decode(), "ä" * 44]
)
def test_what_is_no_key_is_refused_unseen(text: str) -> None:
    with pytest.raises(VaultError, match="OKX_GATEWAY_VAULT_KEY") as caught:
        vault_key_from_text(text, origin="OKX_GATEWAY_VAULT_KEY")
    assert not text or text not in str(caught.value)
