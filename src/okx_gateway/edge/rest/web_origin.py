"""May the web page that makes this request make it?  Pure.

A gateway on a desk trusts who can reach it, and a browser on that desk can: any page it shows may
send a simple POST, or point its own host name at 127.0.0.1. Browsers say in Origin which page
asks for anything but a plain read; other programs send no Origin.
"""

from ipaddress import ip_address
from urllib.parse import urlsplit

from okx_gateway.domain.errors import Violation

_HEADER = "origin"


def origin_violation(origin: str, host: str, *, loopback: bool) -> Violation | None:
    """Say what is wrong with the Origin of a request to `host`; None where nothing is.

    `loopback` is whether the request came in at an address of this machine alone. There the
    gateway has no name but localhost: a page with another one has bound it to the address.
    """
    if not origin:
        return None
    try:
        parts = urlsplit(origin)
        name = parts.hostname or ""
    except ValueError:
        return Violation(_HEADER, "must be an origin such as http://localhost:8080", origin[:64])
    if parts.netloc.lower() != host.lower():
        return Violation(
            _HEADER, "must be the gateway's own: pages of others may not call it", origin[:64]
        )
    if loopback and name != "localhost" and not _is_address(name):
        return Violation(
            _HEADER, "must name localhost or an address where the gateway is local", origin[:64]
        )
    return None


def _is_address(name: str) -> bool:
    try:
        ip_address(name)
    except ValueError:
        return False
    return True
