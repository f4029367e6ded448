from okx_gateway.cli.vault_check import RecordCheck
from okx_gateway.cli.vault_report import check_fact, check_lines, record_fact, record_table
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.credential_check import CredentialVerdict
from okx_gateway.custody.sealed_record import SealedRecord


def a_record(version: int) -> SealedRecord:
    return SealedRecord(
        account="desk-7",
        environment=Environment.LIVE,
        version=version,
        key_fingerprint="3fa9c1d2",
        add_time="2026-11-22T12:00:00Z",
        vault_key_id="12345678",
        wrapped_key=b"wrapped",
        sealed=b"sealed",
    )


VERDICT = CredentialVerdict(
    uid="447",
    account_level="spot",
    position_mode="net",
    permissions=frozenset({"trade", "read_only"}),
    addresses=("192.0.2.7",),
    refusals=(),
    warnings=("take care",),
)


def test_the_newest_version_is_the_used_one() -> None:
    assert record_table([a_record(1), a_record(2)]) == [
        "ACCOUNT  ENVIRONMENT  VERSION  KEY       ADDED                 USED",
        "desk-7   live         1        3fa9c1d2  2026-11-22T12:00:00Z",
        "desk-7   live         2        3fa9c1d2  2026-11-22T12:00:00Z  yes",
    ]


def test_a_record_is_told_without_its_ciphertext() -> None:
    assert record_fact(a_record(1)) == {
        "account": "desk-7",
        "environment": "live",
        "version": 1,
        "key_fingerprint": "3fa9c1d2",
        "add_time": "2026-11-22T12:00:00Z",
    }


def test_a_check_is_told_with_all_there_is_to_know() -> None:
    assert check_lines(RecordCheck(a_record(1), ("not this one",), VERDICT)) == [
        "desk-7 (live, version 1), key 3fa9c1d2: NOT USABLE",
        "  not this one",
        "  uid 447, spot account, net positions; may read_only, trade; bound to 192.0.2.7",
        "  warning: take care",
    ]


def test_a_check_without_an_answer_of_okx_tells_less() -> None:
    assert check_lines(RecordCheck(a_record(1), (), None)) == [
        "desk-7 (live, version 1), key 3fa9c1d2: ok"
    ]
    assert check_fact(RecordCheck(a_record(1), (), None)).keys() == {
        *record_fact(a_record(1)),
        "usable",
        "faults",
    }
