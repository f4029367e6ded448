"""May this REST request pass, and what is the answer? Pure apart from the exchange it asks.

Every request takes the same way: arrive, be admitted (path, body, signature, limits), be answered.
Source: OKX docs, 'REST Authentication' and 'Error Code'.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import orjson

from okx_simulator.answer import Ack, Row, not_found, refusal, success
from okx_simulator.check import Identity, Keys, RestRequest, check_rest
from okx_simulator.error_code import RefusedError, status_of
from okx_simulator.exchange import Exchange
from okx_simulator.limit.limits import Limits
from okx_simulator.order.call import read_exp_time
from okx_simulator.rest.endpoint import Call, Endpoint
from okx_simulator.rest.param import Params
from okx_simulator.rest.table import ENDPOINTS, PATHS


@dataclass(frozen=True, slots=True)
class Arrived:
    """A request as it came in: `path` decoded, the target of `request` as it was sent.

    `in_us` is the exchange's clock at its arrival, `true_us` the machine's; `faults` are those
    that struck it on its way.
    """

    request: RestRequest
    path: str
    query: Mapping[str, str]
    in_us: int
    true_us: int
    faults: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Reply:
    """An HTTP status and a JSON body."""

    status: HTTPStatus
    body: Row


@dataclass(frozen=True, slots=True)
class Admitted:
    """A request that may be answered."""

    endpoint: Endpoint
    call: Call


class RestGate:
    """Admits and answers REST requests."""

    def __init__(self, exchange: Exchange, keys: Keys, limits: Limits) -> None:
        self._exchange = exchange
        self._keys = keys
        self._limits = limits

    def respond(self, arrived: Arrived) -> Reply:
        """Return the answer to a request."""
        admitted = self.admit(arrived)
        return admitted if isinstance(admitted, Reply) else self.answer(admitted)

    def admit(self, arrived: Arrived) -> Admitted | Reply:
        """Check a request; return it ready to be answered, or the refusal."""
        method = arrived.request.method
        endpoint = ENDPOINTS.get((method, arrived.path))
        if endpoint is None and arrived.path not in PATHS:
            return Reply(HTTPStatus.NOT_FOUND, not_found())
        try:
            if endpoint is None:
                raise RefusedError("50115")  # noqa: TRY301 - one way out for every refusal
            params, elements = _read(arrived, endpoint)
            identity = self._identify(arrived, endpoint)
            refusals = self._charge(arrived, identity, elements if method == "POST" else params)
            in_us = self._exchange.clock.now_us()
            deadline = arrived.request.headers.get("exptime", "") if endpoint.may_expire else ""
            exp_ms = read_exp_time(deadline, in_us)
        except RefusedError as error:
            return Reply(status_of(error.code), refusal(error))
        call = Call(
            params=params,
            elements=elements,
            in_us=in_us,
            uid=identity.uid if identity else "",
            key=identity.key if identity else None,
            exp_ms=exp_ms,
            refusals=refusals,
        )
        return Admitted(endpoint, call)

    def answer(self, admitted: Admitted) -> Reply:
        """Let the exchange answer a request that was admitted."""
        self._exchange.advance()
        try:
            result = admitted.endpoint.answer(self._exchange, admitted.call)
        except RefusedError as error:
            return Reply(status_of(error.code), refusal(error))
        if isinstance(result, Ack):
            out_us = self._exchange.clock.now_us()
            status = HTTPStatus.OK if result.rows else status_of(result.code)
            return Reply(status, result.body(admitted.call.in_us, out_us))
        return Reply(HTTPStatus.OK, success(result))

    def _identify(self, arrived: Arrived, endpoint: Endpoint) -> Identity | None:
        if endpoint.permission is None:
            return None
        return check_rest(arrived.request, self._keys, endpoint.permission, arrived.in_us)

    def _charge(
        self, arrived: Arrived, identity: Identity | None, params: Params | Sequence[Params]
    ) -> list[str | None]:
        """Count the request; return which elements of a batch are over a limit.

        Raises:
            RefusedError: All of it is.
        """
        codes = self._limits.charge_each(
            arrived.request.method,
            arrived.path,
            uid=identity.uid if identity else None,
            ip=arrived.request.remote_ip,
            params=params,
            now_us=arrived.true_us,
        )
        over = [code for code in codes if code]
        if over and len(over) == len(codes):
            raise RefusedError(over[0])
        return codes


def _read(arrived: Arrived, endpoint: Endpoint) -> tuple[Params, Sequence[Params]]:
    """Return the parameters of a call, and its elements.

    Raises:
        RefusedError: 50006, 50000 or 50002, the body of a POST is not the JSON it should be.
    """
    if endpoint.method == "GET":
        return arrived.query, (arrived.query,)
    content_type = arrived.request.headers.get("content-type", "")
    if content_type.split(";")[0].strip().lower() != "application/json":
        raise RefusedError("50006")
    body = _parse(arrived.request.body)
    if isinstance(body, dict):
        return body, (body,)
    if not endpoint.takes_batch or not isinstance(body, list) or not body:
        raise RefusedError("50002")
    if not all(isinstance(element, dict) for element in body):
        raise RefusedError("50002")
    return body[0], body


def _parse(body: bytes) -> Any:
    if not body.strip():
        raise RefusedError("50000")
    try:
        return orjson.loads(body)
    except orjson.JSONDecodeError:
        raise RefusedError("50002") from None
