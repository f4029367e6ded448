"""Which hosts does OKX answer on, by region and environment?  A table, pure.

Demo trading shares the REST host, where a header tells it apart. Source: OKX docs v5, "Overview",
"Production Trading Services" and "Demo Trading Services", of each region's site, November 2025.
"""

from enum import StrEnum

from okx_gateway.custody.credential import Environment


class Region(StrEnum):
    """The OKX site that the account was opened on; a key works on no other."""

    GLOBAL = "global"
    EEA = "eea"
    US = "us"


_REST = {
    Region.GLOBAL: "https://www.okx.com",
    Region.EEA: "https://eea.okx.com",
    Region.US: "https://us.okx.com",
}
_WS = {
    (Region.GLOBAL, Environment.LIVE): "wss://ws.okx.com:8443",
    (Region.GLOBAL, Environment.DEMO): "wss://wspap.okx.com:8443",
    (Region.EEA, Environment.LIVE): "wss://wseea.okx.com:8443",
    (Region.EEA, Environment.DEMO): "wss://wseeapap.okx.com:8443",
    (Region.US, Environment.LIVE): "wss://wsus.okx.com:8443",
    (Region.US, Environment.DEMO): "wss://wsuspap.okx.com:8443",
}

HOST_SETTINGS = ("okx_rest_url", "okx_ws_public_url", "okx_ws_private_url", "okx_ws_business_url")


def hosts(region: Region, environment: Environment) -> dict[str, str]:
    """The URLs of a region and environment, by the setting that overrides each."""
    ws = _WS[region, environment]
    urls = (
        _REST[region],
        f"{ws}/ws/v5/public",
        f"{ws}/ws/v5/private",
        f"{ws}/ws/v5/business",
    )
    return dict(zip(HOST_SETTINGS, urls, strict=True))
