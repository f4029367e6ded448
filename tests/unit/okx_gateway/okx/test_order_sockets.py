import asyncio
from collections.abc import Sequence

import pytest

from okx_gateway.domain.order import Refused
from okx_gateway.okx import order_sockets
from okx_gateway.okx.order_sockets import OrderSockets, RouteSetting
from okx_gateway.okx.reply import RawReply, Row
from tests.fakes.metering import Metered
from tests.fakes.orders import an_instrument

BTC = an_instrument(socket_code=10459)
ETH = an_instrument(name="ETH-USDT", socket_code=10460)
WRONG_CODE = Refused("51001", "Instrument ID does not exist.")
WRONG_ARGUMENTS = Refused("60013", "Invalid args")


class Socket:
    """Nothing is sent over it here."""

    is_operable = True

    async def operate(
        self,
        name: str,
        arguments: Sequence[Row],
        *,
        expiry_ms: int | None,
        write_before_s: float,
        timeout_s: float,
    ) -> RawReply:
        raise NotImplementedError


class Choosing:
    """Sockets of accounts, each made when it is first asked for."""

    def __init__(self, route: RouteSetting = "auto") -> None:
        self.made: dict[str, Socket] = {}
        self.wrong_codes = 0
        self.sockets = OrderSockets(
            lambda account: self.made.setdefault(account, Socket()),
            route=route,
            on_wrong_code=self._on_wrong_code,
        )

    def why_not(self, account: str = "main", instrument: object = BTC) -> str:
        socket, why_not = self.sockets.choose(account, instrument)  # type: ignore[arg-type]
        assert (socket is None) is bool(why_not)
        return why_not

    def _on_wrong_code(self) -> None:
        self.wrong_codes += 1


def test_the_socket_of_the_account_is_taken_where_it_is_ready() -> None:
    choosing = Choosing()
    assert choosing.why_not() == ""
    choosing.made["main"].is_operable = False
    assert choosing.why_not() == "no_socket"
    assert choosing.why_not("other") == ""
    assert choosing.sockets.choose("other", BTC)[0] is choosing.made["other"]


def test_an_instrument_without_a_number_goes_over_rest() -> None:
    assert Choosing().why_not(instrument=an_instrument()) == "no_code"


def test_where_rest_is_set_no_socket_is_made() -> None:
    choosing = Choosing("rest")
    assert choosing.why_not() == "set"
    assert choosing.made == {}
    assert not choosing.sockets.is_only


async def test_a_number_that_is_refused_is_not_tried_again_for_a_while(
    monkeypatch: pytest.MonkeyPatch, metered: Metered
) -> None:
    monkeypatch.setattr(order_sockets, "_CODE_PAUSE_S", 0.1)
    choosing = Choosing()
    assert choosing.sockets.turns_away("main", BTC, WRONG_CODE)
    assert choosing.wrong_codes == 1
    assert choosing.why_not() == choosing.why_not("other") == "code_refused"
    assert choosing.why_not(instrument=ETH) == ""
    # Listed anew it has another.
    assert choosing.why_not(instrument=an_instrument(socket_code=10461)) == ""
    assert metered.told("orders.turned_away") == {"51001": 1}
    await asyncio.sleep(0.1)
    assert choosing.why_not() == ""


async def test_a_socket_that_does_not_take_a_request_is_left_alone_for_a_while(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(order_sockets, "_SOCKET_PAUSE_S", 0.1)
    choosing = Choosing()
    assert choosing.sockets.turns_away("main", BTC, WRONG_ARGUMENTS)
    assert choosing.wrong_codes == 0
    assert choosing.why_not() == choosing.why_not(instrument=ETH) == "paused"
    assert choosing.why_not("other") == ""
    await asyncio.sleep(0.1)
    assert choosing.why_not() == ""


def test_a_socket_that_lives_and_does_not_answer_is_left_alone_for_a_while() -> None:
    choosing = Choosing()
    socket, _ = choosing.sockets.choose("main", BTC)
    assert socket is not None
    choosing.sockets.gave_no_answer("main", socket)
    assert choosing.why_not() == "paused"
    assert choosing.why_not("other") == ""


def test_a_socket_that_was_lost_says_nothing_of_the_next() -> None:
    choosing = Choosing()
    choosing.why_not()
    lost = choosing.made.pop("main")
    lost.is_operable = False
    choosing.sockets.gave_no_answer("main", lost)
    assert choosing.why_not() == ""


def test_a_refusal_of_the_order_itself_is_the_orders() -> None:
    choosing = Choosing()
    assert not choosing.sockets.turns_away("main", BTC, Refused("51008", "Insufficient balance"))
    assert choosing.why_not() == ""


def test_where_the_socket_is_set_its_refusals_stand() -> None:
    choosing = Choosing("socket")
    assert choosing.sockets.is_only
    assert not choosing.sockets.turns_away("main", BTC, WRONG_CODE)
    assert not choosing.sockets.turns_away("main", BTC, WRONG_ARGUMENTS)
    assert choosing.wrong_codes == 1
    assert choosing.why_not() == ""


def test_what_is_remembered_has_a_bound(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(order_sockets, "_PAUSES_MAX", 2)
    choosing = Choosing()
    for code in range(1, 4):
        choosing.sockets.turns_away("main", an_instrument(socket_code=code), WRONG_CODE)
    assert choosing.why_not(instrument=an_instrument(socket_code=3)) == "code_refused"
    assert choosing.why_not(instrument=an_instrument(socket_code=1)) == ""
