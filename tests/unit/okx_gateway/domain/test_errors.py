import re

import pytest

from okx_gateway.domain import errors
from okx_gateway.domain.errors import (
    ClientOrderIdTakenError,
    GatewayError,
    InvalidRequestError,
    OrderNotFoundError,
    Violation,
)
from tests.fakes.errors import EVERY_ERROR, leaves_of

_BRANCH = re.compile(r"^    (?P<indent>[│ ]*)(?:├── |└── )?(?P<name>\w+Error)\b", re.MULTILINE)


def drawn_tree() -> set[tuple[str, str]]:
    """(error, its parent) as the tree at the head of the module draws them."""
    pairs, path = set(), [""]
    for line in _BRANCH.finditer(errors.__doc__ or ""):
        root = line["name"] == "GatewayError"
        depth = 0 if root else len(line["indent"]) // 4 + 1
        path[depth + 1 :] = [line["name"]]
        pairs.add((line["name"], path[depth]))
    return pairs


def real_tree(kind: type[GatewayError], parent: str = "") -> set[tuple[str, str]]:
    below = (real_tree(each, kind.__name__) for each in kind.__subclasses__())
    return {(kind.__name__, parent)}.union(*below)


def test_the_tree_is_drawn_as_it_is() -> None:
    assert drawn_tree() == real_tree(GatewayError)


def test_every_leaf_has_an_example() -> None:
    assert {type(each) for each in EVERY_ERROR} == leaves_of(GatewayError)


@pytest.mark.parametrize("error", EVERY_ERROR, ids=lambda each: type(each).__name__)
def test_every_error_tells_a_message_in_one_line_and_its_parts_as_text(error: GatewayError) -> None:
    assert str(error) == error.message
    assert error.message.isprintable()
    assert all(isinstance(value, str) for value in error.metadata.values())


def test_an_invalid_request_tells_the_first_rule_and_how_many_more() -> None:
    one = Violation("limit.price", "must be a multiple of the tick 0.1", "0.15")
    error = InvalidRequestError([one, Violation("quantity", "is required")])
    assert (
        error.message == "limit.price must be a multiple of the tick 0.1, not '0.15' (and 1 more)"
    )
    assert error.violations == (one, Violation("quantity", "is required"))
    assert InvalidRequestError([Violation("quantity", "is required")]).message == (
        "quantity is required"
    )


def test_an_id_taken_by_another_caller_reveals_nothing_of_the_order() -> None:
    error = ClientOrderIdTakenError("a1")
    assert error.metadata == {"clientOrderId": "a1", "firstDifference": ""}
    assert "differs" not in error.message


def test_an_unknown_order_is_named_as_the_caller_named_it() -> None:
    assert OrderNotFoundError(client_order_id="a1").metadata == {"clientOrderId": "a1"}
    assert OrderNotFoundError(exchange_order_id="77").metadata == {"exchangeOrderId": "77"}
