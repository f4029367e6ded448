from okx_simulator.websocket.connection_count import CONNECTIONS_MAX, ConnectionCounts


def test_sockets_are_counted_per_channel_and_account() -> None:
    counts = ConnectionCounts()
    assert counts.join("orders", "u1", "a") == 1
    assert counts.join("orders", "u1", "b") == 2
    assert counts.join("account", "u1", "a") == 1
    assert counts.join("orders", "u2", "c") == 1


def test_a_socket_counts_once_per_channel() -> None:
    counts = ConnectionCounts()
    assert counts.join("orders", "u1", "a") == 1
    assert counts.join("orders", "u1", "a") == 1


def test_the_newest_socket_finds_no_place() -> None:
    counts = ConnectionCounts()
    for n in range(CONNECTIONS_MAX):
        assert counts.join("orders", "u1", f"c{n}") == n + 1
    assert counts.join("orders", "u1", "late") is None
    assert counts.join("orders", "u1", "c0") == CONNECTIONS_MAX
    counts.leave("orders", "u1", "c0")
    assert counts.join("orders", "u1", "late") == CONNECTIONS_MAX


def test_leaving_where_one_never_was_changes_nothing() -> None:
    counts = ConnectionCounts()
    counts.leave("orders", "u1", "a")
    assert counts.join("orders", "u1", "b") == 1
