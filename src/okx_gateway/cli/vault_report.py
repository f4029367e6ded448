"""How are the credentials of a vault told to people and to programs?  Pure."""

from collections.abc import Sequence
from typing import Any

from okx_gateway.cli.table import lines_of
from okx_gateway.cli.vault_check import RecordCheck
from okx_gateway.custody.sealed_record import SealedRecord


def record_table(records: Sequence[SealedRecord]) -> list[str]:
    """A line for each record, below a heading; the newest version of an account is the used one."""
    newest = {record.account: record.version for record in records}
    rows = [
        (
            record.account,
            str(record.environment),
            str(record.version),
            record.key_fingerprint,
            record.add_time,
            "yes" if newest[record.account] == record.version else "",
        )
        for record in records
    ]
    return lines_of([("ACCOUNT", "ENVIRONMENT", "VERSION", "KEY", "ADDED", "USED"), *rows])


def record_fact(record: SealedRecord) -> dict[str, Any]:
    """A record for JSON."""
    return {
        "account": record.account,
        "environment": str(record.environment),
        "version": record.version,
        "key_fingerprint": record.key_fingerprint,
        "add_time": record.add_time,
    }


def check_lines(check: RecordCheck) -> list[str]:
    """What came out for a record: one line, and an indented one for each thing to know."""
    record, verdict = check.record, check.verdict
    outcome = "NOT USABLE" if check.faults else "ok"
    lines = [f"{record.name}, key {record.key_fingerprint}: {outcome}"]
    lines += [f"  {fault}" for fault in check.faults]
    if verdict is not None:
        bound = f"bound to {', '.join(verdict.addresses)}" if verdict.addresses else "not bound"
        lines.append(
            f"  uid {verdict.uid}, {verdict.account_level} account, {verdict.position_mode} "
            f"positions; may {', '.join(sorted(verdict.permissions))}; {bound}"
        )
        lines += [f"  warning: {warning}" for warning in verdict.warnings]
    return lines


def check_fact(check: RecordCheck) -> dict[str, Any]:
    """What came out for a record, for JSON."""
    fact = record_fact(check.record) | {"usable": not check.faults, "faults": list(check.faults)}
    verdict = check.verdict
    if verdict is not None:
        fact |= {
            "uid": verdict.uid,
            "account_level": verdict.account_level,
            "position_mode": verdict.position_mode,
            "permissions": sorted(verdict.permissions),
            "addresses": list(verdict.addresses),
            "warnings": list(verdict.warnings),
        }
    return fact
