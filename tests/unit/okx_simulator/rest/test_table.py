from okx_simulator.limit.table import LIMITS
from okx_simulator.rest.table import ENDPOINTS, PATHS

# What OKX has and the simulator does not: statements of past years, made as files.
_MISSING = {
    ("POST", "/api/v5/account/bills-history-archive"),
    ("GET", "/api/v5/account/bills-history-archive"),
}


def test_every_limited_endpoint_is_answered() -> None:
    limited = {key for key in LIMITS if key[1].startswith("/api/")}
    assert limited - set(ENDPOINTS) == _MISSING


def test_only_reads_are_public_and_only_writes_are_batches() -> None:
    for (method, path), endpoint in ENDPOINTS.items():
        assert path.startswith("/api/v5/")
        assert path in PATHS
        if endpoint.permission is None:
            assert method == "GET"
        if endpoint.permission in ("trade", "withdraw"):
            assert method == "POST"
        if endpoint.takes_batch or endpoint.may_expire:
            assert method == "POST"


def test_writes_of_orders_expire_unless_they_cancel() -> None:
    expiring = {path.rpartition("/")[2] for (_, path), one in ENDPOINTS.items() if one.may_expire}
    assert expiring == {"order", "batch-orders", "amend-order", "amend-batch-orders"}
