import copy
import dataclasses
import json
import logging
import pickle
import pprint
import traceback
from typing import NoReturn

import orjson
import pytest
import structlog

from okx_gateway.custody.credential import (
    Credential,
    Environment,
    MalformedCredentialError,
    fingerprint_of,
)

SECRETS = (
    "5f2b7a10-11aa-4c3e-9d77-aa01bb02cc03",
    "0A1B2C3D4E5F60718293A4B5C6D7E8F9",
    "Open:Sesame/7",
)


def a_credential(**changes: object) -> Credential:
    values: dict[str, object] = {
        "account": "desk-7",
        "environment": Environment.DEMO,
        "version": 2,
        "secrets": SECRETS,
    }
    return Credential(**(values | changes))  # type: ignore[arg-type]


def hides_all(text: str) -> bool:
    return not any(secret in text for secret in SECRETS)


def test_reveal_gives_the_three_parts() -> None:
    assert a_credential().reveal() == SECRETS


@pytest.mark.parametrize(
    "show",
    [repr, str, "{}".format, "%r %s".__mod__, pprint.pformat, lambda c: f"{c!r} {c}"],
    ids=["repr", "str", "format", "percent", "pprint", "f-string"],
)
def test_showing_tells_the_account_and_no_secret(show: object) -> None:
    credential = a_credential()
    shown = show((credential, credential) if show == "%r %s".__mod__ else credential)  # type: ignore[operator]
    assert "desk-7" in shown
    assert hides_all(shown)


def test_walking_its_attributes_shows_no_secret() -> None:
    credential = a_credential()
    attributes = {name: getattr(credential, name) for name in credential.__slots__}
    assert hides_all(repr(attributes))
    assert not hasattr(credential, "__dict__")


def fail_with(credential: Credential) -> NoReturn:
    raise RuntimeError(credential)


def test_loggers_and_tracebacks_show_no_secret(caplog: pytest.LogCaptureFixture) -> None:
    credential = a_credential()
    with caplog.at_level(logging.DEBUG):
        logging.getLogger("custody").error("with %s and %r", credential, credential)
        structlog.wrap_logger(
            logging.getLogger("custody"), processors=[structlog.processors.JSONRenderer()]
        ).error("with", credential=credential)
    assert len(caplog.records) == 2
    assert hides_all(caplog.text)
    with pytest.raises(RuntimeError) as caught:
        fail_with(credential)
    shown = traceback.TracebackException.from_exception(caught.value, capture_locals=True)
    assert "desk-7" in "".join(shown.format())
    assert hides_all("".join(shown.format()))


@pytest.mark.parametrize(
    "leak",
    [
        pickle.dumps,
        copy.copy,
        copy.deepcopy,
        dataclasses.asdict,
        vars,
        dict,
        list,
        iter,
        json.dumps,
        orjson.dumps,
        bytes,
        hash,
        lambda credential: credential == a_credential(),
        lambda credential: credential != a_credential(),
        lambda credential: [credential].index(a_credential()),
    ],
)
def test_it_cannot_be_copied_iterated_or_compared(leak: object) -> None:
    with pytest.raises(TypeError) as caught:
        leak(a_credential())  # type: ignore[operator]
    assert hides_all(str(caught.value))


def test_the_fingerprint_is_the_head_of_the_sha256_of_the_key() -> None:
    # printf abc | sha256sum
    assert fingerprint_of("abc") == "ba7816bf"
    assert a_credential(secrets=("abc", "s", "p")).fingerprint == "ba7816bf"


@pytest.mark.parametrize(
    "account", ["", "Desk", "7desk", "desk 7", "desk\n", "d" * 33, "désk", "-"]
)
def test_an_account_name_that_callers_could_not_give_is_refused(account: str) -> None:
    with pytest.raises(MalformedCredentialError, match="account name"):
        a_credential(account=account)


@pytest.mark.parametrize(
    "secrets",
    [
        ("", "secret", "phrase"),
        ("key", "", "phrase"),
        ("key", "secret", ""),
        ("key\r\nX-Evil: 1", "secret", "phrase"),
        ("key", "sec ret", "phrase"),
        ("key", "secret", " phrase"),
        ("key", "secret", "phrase\n"),
        ("key", "secret", "pässphrase"),
        ("k" * 129, "secret", "phrase"),
    ],
)
def test_a_part_that_okx_never_hands_out_is_refused_unseen(secrets: tuple[str, str, str]) -> None:
    with pytest.raises(MalformedCredentialError) as caught:
        a_credential(secrets=secrets)
    assert not any(len(part) > 8 and part in str(caught.value) for part in secrets)


def test_versions_count_from_one() -> None:
    with pytest.raises(MalformedCredentialError, match="version"):
        a_credential(version=0)
