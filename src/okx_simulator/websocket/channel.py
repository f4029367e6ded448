"""Which channels are there, on which URL, and which words does a subscription need?

Pure: a table and the check of one argument against it.

Source: OKX docs, the page of each channel.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum
from typing import Any, Protocol

from okx_simulator.market.candle import BARS
from okx_simulator.market.instrument import INST_TYPES, Instrument
from okx_simulator.websocket.error import text_of

_DERIVATIVES = ("SWAP", "FUTURES", "OPTION")
_ANY_TYPE = (*INST_TYPES, "ANY")


class Url(StrEnum):
    """The last word of a WebSocket URL: /ws/v5/public, private or business."""

    PUBLIC = "public"
    PRIVATE = "private"
    BUSINESS = "business"


class Subject(StrEnum):
    """What a public channel is about."""

    NOTHING = ""
    INSTRUMENT = "instId"
    INDEX = "index"
    INSTRUMENT_TYPE = "instType"


@dataclass(frozen=True, slots=True)
class Channel:
    """One channel.

    `is_private` needs a login and tells of one account. `is_counted` marks channels of which an
    account may have 30 connections. `inst_types` are the types of instrument it exists for.
    """

    name: str
    url: Url
    subject: Subject = Subject.NOTHING
    is_private: bool = False
    is_counted: bool = False
    needs_vip: bool = False
    inst_types: tuple[str, ...] = INST_TYPES


def _public(name: str, *inst_types: str) -> Channel:
    return Channel(name, Url.PUBLIC, Subject.INSTRUMENT, inst_types=inst_types or INST_TYPES)


def _account(name: str, url: Url, *inst_types: str) -> Channel:
    subject = Subject.INSTRUMENT_TYPE if inst_types else Subject.NOTHING
    is_counted = url is Url.PRIVATE
    return Channel(
        name, url, subject, is_private=True, is_counted=is_counted, inst_types=inst_types
    )


def _candles(prefix: str, subject: Subject) -> tuple[Channel, ...]:
    return tuple(Channel(f"{prefix}candle{bar}", Url.BUSINESS, subject) for bar in BARS)


_ROWS = (
    _public("tickers"),
    _public("bbo-tbt"),
    _public("books5"),
    _public("books"),
    Channel("books50-l2-tbt", Url.PUBLIC, Subject.INSTRUMENT, needs_vip=True),
    Channel("books-l2-tbt", Url.PUBLIC, Subject.INSTRUMENT, needs_vip=True),
    _public("trades"),
    _public("mark-price", "MARGIN", *_DERIVATIVES),
    _public("price-limit"),
    _public("funding-rate", "SWAP"),
    _public("open-interest", *_DERIVATIVES),
    Channel("index-tickers", Url.PUBLIC, Subject.INDEX),
    Channel("instruments", Url.PUBLIC, Subject.INSTRUMENT_TYPE),
    Channel("status", Url.PUBLIC),
    Channel("trades-all", Url.BUSINESS, Subject.INSTRUMENT),
    *_candles("", Subject.INSTRUMENT),
    *_candles("mark-price-", Subject.INSTRUMENT),
    *_candles("index-", Subject.INDEX),
    _account("account", Url.PRIVATE),
    _account("balance_and_position", Url.PRIVATE),
    _account("positions", Url.PRIVATE, "MARGIN", *_DERIVATIVES, "ANY"),
    _account("orders", Url.PRIVATE, *_ANY_TYPE),
    _account("orders-algo", Url.BUSINESS, *_ANY_TYPE),
    _account("algo-advance", Url.BUSINESS, *_ANY_TYPE),
)
CHANNELS = {row.name: row for row in _ROWS}


class Listed(Protocol):
    """Where instruments are looked up."""

    def find(self, inst_id: str, inst_type: str = "") -> Instrument | None:
        """Return the instrument of this name."""
        ...

    def all(self, inst_type: str = "", inst_family: str = "") -> list[Instrument]:
        """Return the instruments of a type and family."""
        ...


class ChannelError(Exception):
    """A subscription is refused; nothing was subscribed."""

    def __init__(self, code: str, *fill: object) -> None:
        self.code = code
        self.message = text_of(code, *fill)
        super().__init__(f"{code} {self.message}")


def check_argument(arg: Mapping[str, Any], url: Url, uid: str, listed: Listed) -> Channel:
    """Return the channel that one argument of a subscription names.

    `uid` is empty before a login. Raises ChannelError with the code of OKX.
    """
    channel = CHANNELS.get(str(arg.get("channel")))
    if channel is None:
        raise ChannelError("60018", _spelled(arg))
    if channel.url is not url:
        raise ChannelError(*_wrong_url(channel, url, arg))
    if (channel.is_private or channel.needs_vip) and not uid:
        raise ChannelError("60011")
    if channel.needs_vip:
        raise ChannelError("64003")
    if "uly" in arg:
        raise ChannelError("64000")
    _check_subject(channel, arg, listed)
    return channel


def _wrong_url(channel: Channel, url: Url, arg: Mapping[str, Any]) -> tuple[str, ...]:
    if channel.url is Url.BUSINESS:
        return ("64001",)
    if url is Url.BUSINESS:
        return ("64002",)
    return ("60018", _spelled(arg))


def _check_subject(channel: Channel, arg: Mapping[str, Any], listed: Listed) -> None:
    match channel.subject:
        case Subject.NOTHING:
            return
        case Subject.INSTRUMENT_TYPE:
            exists = _word(arg, "instType") in channel.inst_types
        case Subject.INSTRUMENT:
            inst_id = _word(arg, "instId")
            exists = any(listed.find(inst_id, kind) for kind in channel.inst_types)
        case Subject.INDEX:
            index = _word(arg, "instId")
            exists = bool(listed.all(inst_family=index) or listed.find(index, "SPOT"))
    if not exists:
        raise ChannelError("60018", _spelled(arg))


def _word(arg: Mapping[str, Any], name: str) -> str:
    word = arg.get(name)
    if not isinstance(word, str) or not word:
        raise ChannelError("60027", name)
    return word


# A client may send anything as a word; what is sent back of it is cut.
_SPELLED_LENGTH_MAX = 200


def _spelled(arg: Mapping[str, Any]) -> str:
    """Return an argument as OKX spells it in errors: channel:tickers,instId:BTC-USDT."""
    return ",".join(f"{name}:{word}" for name, word in arg.items())[:_SPELLED_LENGTH_MAX]
