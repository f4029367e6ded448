from pathlib import Path

import pytest

from okx_gateway.access.identity_document import IdentityError
from okx_gateway.access.policy_document import PolicyError
from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.door_parts import DoorParts, make_door
from okx_gateway.edge.caller import believed_name
from okx_gateway.ledger.caller_shares import CallerShare
from okx_gateway.settings import Settings

SERVICE = api.DESCRIPTOR.services_by_name["GatewayService"]
POLICY = """
version: 1
revision: r1
callers: {algo: {market: [GetTicker], share: {guaranteed_percent: 20}}}
"""


def door(**given: Path) -> DoorParts:
    return make_door(
        Settings.model_validate({key: str(path) for key, path in given.items()}), SERVICE
    )


def test_where_nothing_is_set_names_are_believed_and_all_is_allowed() -> None:
    made = door()
    assert (made.caller, made.operator) == (believed_name, believed_name)
    assert (made.tls, made.policy(), made.shares) == (None, None, None)
    assert list(made.work()) == []


def test_a_policy_is_read_and_looked_after(tmp_path: Path) -> None:
    path = tmp_path / "policy.yaml"
    path.write_text(POLICY)
    made = door(policy_path=path)
    policy = made.policy()
    assert policy is not None
    assert policy.revision == "r1"
    assert made.shares is not None
    assert made.shares.of("algo") == CallerShare(20, 100)
    [work] = made.work()
    work.close()


def test_what_is_wrong_with_a_file_is_told_at_the_start(tmp_path: Path) -> None:
    path = tmp_path / "wrong.yaml"
    path.write_text(POLICY.replace("GetTicker", "PlaceOrder"))
    with pytest.raises(PolicyError, match="'PlaceOrder' is none of"):
        door(policy_path=path)
    with pytest.raises(IdentityError):
        door(identity_path=path)
