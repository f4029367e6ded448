from okx_simulator.rest.endpoint import Call, Rows, public, reading, trading


def nothing(_exchange: object, _call: Call) -> Rows:
    return []


def test_kinds_of_endpoints() -> None:
    for made, method, permission in (
        (public("/a", nothing), "GET", None),
        (reading("/a", nothing), "GET", "read_only"),
        (trading("/a", nothing), "POST", "trade"),
    ):
        assert (made.method, made.path, made.permission) == (method, "/api/v5/a", permission)
        assert not made.takes_batch
    assert trading("/a", nothing, takes_batch=True, may_expire=True).may_expire


def test_a_call_knows_when_it_came_in() -> None:
    assert Call({}, (), 1_700_000_000_123_456).now_ms == 1_700_000_000_123
