"""Is a request over one of OKX's rate limits?

Pure. Keeps one window per limit and scope; the time is an argument.

Source: OKX docs, 'Rate Limits'.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any, Literal, Protocol

from okx_simulator.limit.table import (
    CONNECT,
    LIMITS,
    SUB_ACCOUNT,
    SUB_ACCOUNT_EXEMPT_ORDER_TYPES,
    SUB_ACCOUNT_EXEMPT_TYPES,
    Limit,
    Scope,
)
from okx_simulator.limit.window import FixedWindow, SlidingWindow, Window

ENDPOINT_LIMIT_CODE = "50011"
SUB_ACCOUNT_LIMIT_CODE = "50061"
# Scopes hold words of the client (an instrument, a tag), so their number needs a bound.
WINDOWS_MAX = 100_000
_WORD_LENGTH_MAX = 32

Element = Mapping[str, Any]


class Listed(Protocol):
    """What of an instrument decides over windows."""

    @property
    def inst_id(self) -> str:
        """Name of the instrument."""
        ...

    @property
    def inst_type(self) -> str:
        """SPOT, MARGIN, SWAP, FUTURES or OPTION."""
        ...

    @property
    def inst_family(self) -> str:
        """Family of a derivative, else empty."""
        ...


class Limits:
    """Every window of every user and IP, of one kind for all.

    `find` tells the instrument of an instId, or None. Whether OKX counts requests it has
    refused is not published; `count_refused` says which of the two to play.
    """

    def __init__(
        self,
        window: Literal["sliding", "fixed"],
        *,
        find: Callable[[str], Listed | None],
        count_refused: bool = True,
    ) -> None:
        self._make: Callable[[int, int], Window] = (
            SlidingWindow if window == "sliding" else FixedWindow
        )
        self._find = find
        self._count_refused = count_refused
        self._windows: dict[tuple[Limit, str], Window] = {}

    def charge(
        self,
        method: str,
        path: str,
        *,
        uid: str | None,
        ip: str,
        params: Element | Sequence[Element],
        now_us: int,
    ) -> str | None:
        """Count a request; the error code if all of it is over a limit, else None.

        `params` is the query or the body: a mapping, or one mapping per element of a batch.
        """
        codes = self.charge_each(method, path, uid=uid, ip=ip, params=params, now_us=now_us)
        return codes[0] if codes and all(codes) else None

    def charge_each(
        self,
        method: str,
        path: str,
        *,
        uid: str | None,
        ip: str,
        params: Element | Sequence[Element],
        now_us: int,
    ) -> list[str | None]:
        """Count a request; one error code or None per element, in their order."""
        elements = [params] if isinstance(params, Mapping) else list(params)
        limit = LIMITS.get((method, path))
        if limit is None:
            return [None] * len(elements)
        if limit.single and len(elements) == 1:
            limit = LIMITS[method, limit.single]
        if not limit.per_order:
            code = self._charge_one(limit, uid, ip, elements[0] if elements else {}, now_us)
            return [code] * max(1, len(elements))
        # A batch without elements still arrives, and is charged as a request.
        return [self._charge_one(limit, uid, ip, one, now_us) for one in elements or [{}]]

    def charge_connect(self, ip: str, now_us: int) -> bool:
        """Count a WebSocket connect of `ip`; whether it is within the limit."""
        window = self._window(CONNECT, ip, now_us)
        fits = window.has_room(now_us)
        window.count(now_us, keep=fits or self._count_refused)
        return fits

    def rows(self, now_us: int) -> Iterator[dict[str, Any]]:
        """Every window that was ever used: what it holds at `now_us`, and its worst moment."""
        for (limit, key), window in self._windows.items():
            yield {
                "limit": f"{limit.method} {limit.path}" if limit.path[0] == "/" else limit.path,
                "scope": str(limit.scope),
                "key": key,
                "amount": window.amount,
                "window_ms": window.window_us // 1000,
                "used": window.used(now_us),
                "worst": window.worst,
                "refused": window.refused,
            }

    def forget(self) -> None:
        """Empty every window and its record."""
        self._windows.clear()

    def _charge_one(
        self, limit: Limit, uid: str | None, ip: str, element: Element, now_us: int
    ) -> str | None:
        instrument = self._instrument(element)
        key = _key(limit.scope, uid or "", ip, element, instrument)
        windows = [(self._window(limit, key, now_us), ENDPOINT_LIMIT_CODE)]
        if limit.sub_account and not _is_exempt(element, instrument):
            whole = self._window(SUB_ACCOUNT, uid or "", now_us)
            windows.append((whole, SUB_ACCOUNT_LIMIT_CODE))
        full = [code for window, code in windows if not window.has_room(now_us)]
        for window, _ in windows:
            window.count(now_us, keep=not full or self._count_refused)
        return full[0] if full else None

    def _instrument(self, element: Element) -> Listed | None:
        inst_id = element.get("instId")
        return self._find(inst_id) if isinstance(inst_id, str) else None

    def _window(self, limit: Limit, key: str, now_us: int) -> Window:
        found = self._windows.get((limit, key))
        if found is None:
            if len(self._windows) >= WINDOWS_MAX:
                self._drop_idle(now_us)
            found = self._windows[limit, key] = self._make(limit.amount, limit.window_us)
        return found

    def _drop_idle(self, now_us: int) -> None:
        idle = [key for key, window in self._windows.items() if not window.used(now_us)]
        for key in idle or list(self._windows)[: WINDOWS_MAX // 10]:
            del self._windows[key]


def _is_exempt(element: Element, instrument: Listed | None) -> bool:
    if instrument is not None and instrument.inst_type in SUB_ACCOUNT_EXEMPT_TYPES:
        return True
    return element.get("ordType") in SUB_ACCOUNT_EXEMPT_ORDER_TYPES


def _key(scope: Scope, uid: str, ip: str, element: Element, instrument: Listed | None) -> str:
    owner, _, word = scope.partition("|")[0].partition("+")
    who = uid if owner == "uid" else ip
    if not word:
        return who
    if scope is Scope.USER_INSTRUMENT and instrument and instrument.inst_type == "OPTION":
        return f"{who} {instrument.inst_family}"
    # Cut, because a client may make up any word.
    return f"{who} {str(element.get(word) or '')[:_WORD_LENGTH_MAX]}"
