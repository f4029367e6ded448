"""Where does a server listen?  Pure."""

import ipaddress
import re
from dataclasses import dataclass

# Such as 127.0.0.1:8080, localhost:8080 or [::1]:8080.
_ADDRESS = re.compile(
    r"(?:\[(?P<v6>[0-9A-Fa-f:.%]+)\]|(?P<host>[A-Za-z0-9.-]+)):(?P<port>[0-9]{1,5})"
)
_PORT_MAX = 65_535


@dataclass(frozen=True, slots=True)
class ListenAddress:
    """A host, without brackets, and a port; port 0 lets the system choose one."""

    host: str
    port: int

    @property
    def loopback(self) -> bool:
        """Whether only this machine can call it."""
        return is_loopback(self.host)

    def __str__(self) -> str:
        return f"[{self.host}]:{self.port}" if ":" in self.host else f"{self.host}:{self.port}"


def parse_listen_address(text: str) -> ListenAddress:
    """Read `host:port`.

    Raises:
        ValueError: It is not that.
    """
    match = _ADDRESS.fullmatch(text)
    if match is None or int(match["port"]) > _PORT_MAX:
        raise ValueError("must be host:port, with an IPv6 host in brackets")
    if match["v6"]:
        try:
            ipaddress.IPv6Address(match["v6"])
        except ValueError:
            raise ValueError("must have an IPv6 address in its brackets") from None
    return ListenAddress(match["v6"] or match["host"], int(match["port"]))


def is_loopback(host: str) -> bool:
    """Whether a host, name or address, is this machine itself."""
    try:
        return ipaddress.ip_address(host).is_loopback
    except ValueError:
        return host == "localhost"
