from okx_gateway.cli.table import lines_of


def test_columns_are_aligned_and_lines_end_with_their_text() -> None:
    assert lines_of([("NAME", "N", "X"), ("a", "100", ""), ("longer", "1", "x")]) == [
        "NAME    N    X",
        "a       100",
        "longer  1    x",
    ]
