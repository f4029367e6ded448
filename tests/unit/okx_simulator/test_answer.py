import pytest

from okx_simulator.answer import Ack, not_found, refusal, success
from okx_simulator.error_code import RefusedError


@pytest.mark.parametrize(
    ("codes", "top", "message"),
    [
        (["0"], "0", ""),
        (["0", "0"], "0", ""),
        (["51008"], "1", "All operations failed"),
        (["0", "51008"], "2", "Bulk operation partially succeeded."),
    ],
)
def test_the_top_code_sums_up(codes: list[str], top: str, message: str) -> None:
    ack = Ack.of_rows([{"sCode": code} for code in codes])
    assert (ack.code, ack.message) == (top, message)


def test_an_ack_as_a_body() -> None:
    body = Ack.of_rows([{"sCode": "0"}]).body(1_695_190_491_421_339, 1_695_190_491_423_240)
    assert body == {
        "code": "0",
        "msg": "",
        "data": [{"sCode": "0"}],
        "inTime": "1695190491421339",
        "outTime": "1695190491423240",
    }


def test_bodies_of_a_whole_call() -> None:
    assert success([1]) == {"code": "0", "msg": "", "data": [1]}
    error = RefusedError("50014", "instId")
    assert refusal(error) == {
        "code": "50014",
        "msg": "Parameter instId can not be empty.",
        "data": [],
    }
    assert Ack.of_refusal(error).rows == ()
    assert not_found()["code"] == "404"
