"""What proves to OKX whose request it is, and how is it kept out of logs?  Pure."""

from collections.abc import Iterator, Mapping
from typing import NoReturn


class SignedHeaders(Mapping[str, str]):
    """HTTP headers by name that print their names only.

    Usable wherever a mapping of headers is. The values are the API key, the passphrase and a
    signature: `dict(headers)` gives them up, so keep that to the line that sends.
    """

    __slots__ = ("_values",)

    def __init__(self, values: Mapping[str, str]) -> None:
        self._values = dict(values)

    def __getitem__(self, name: str) -> str:
        return self._values[name]

    def __iter__(self) -> Iterator[str]:
        return iter(self._values)

    def __len__(self) -> int:
        return len(self._values)

    def __repr__(self) -> str:
        return f"<{type(self).__name__} {', '.join(self._values)}, values hidden>"

    def __reduce_ex__(self, protocol: object) -> NoReturn:
        raise TypeError("signed headers cannot be pickled or copied")

    def __getstate__(self) -> NoReturn:
        raise TypeError("signed headers cannot be pickled or copied")


class SignedLogin(SignedHeaders):
    """The argument of a login over WebSocket: apiKey, passphrase, timestamp and sign.

    Source: OKX docs v5, "WebSocket", "Login".
    """
