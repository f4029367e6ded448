from itertools import product
from urllib.parse import urlsplit

import pytest

from okx_gateway.custody.credential import Environment
from okx_gateway.settings.region import HOST_SETTINGS, Region, hosts


@pytest.mark.parametrize(("region", "environment"), list(product(Region, Environment)))
def test_every_region_and_environment_has_all_hosts_of_okx(
    region: Region, environment: Environment
) -> None:
    urls = hosts(region, environment)
    assert tuple(urls) == HOST_SETTINGS
    assert {urlsplit(url).scheme for url in urls.values()} == {"https", "wss"}
    assert all((urlsplit(url).hostname or "").endswith(".okx.com") for url in urls.values())
    ws = [urlsplit(urls[name]) for name in HOST_SETTINGS[1:]]
    assert [part.path for part in ws] == ["/ws/v5/public", "/ws/v5/private", "/ws/v5/business"]
    assert all(("pap" in part.netloc) is (environment is Environment.DEMO) for part in ws)


def test_no_two_share_a_websocket() -> None:
    urls = [
        hosts(region, environment)["okx_ws_private_url"]
        for region, environment in product(Region, Environment)
    ]
    assert len(set(urls)) == 6
