"""How is a table shown in a terminal?  Pure."""

from collections.abc import Sequence


def lines_of(rows: Sequence[Sequence[str]]) -> list[str]:
    """Align columns; the first row is the heading."""
    widths = [max(map(len, column)) for column in zip(*rows, strict=True)]
    return [
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip()
        for row in rows
    ]
