"""What can be set?  Touches the file system, to see that a named certificate file is there.

Every setting has a type, a unit at the end of its name where it has one, a default, a meaning and
an example; the tables for people are made from here.
"""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import (
    AfterValidator,
    BaseModel,
    BeforeValidator,
    ConfigDict,
    Field,
    SecretStr,
    model_validator,
)

from okx_gateway.custody.credential import Environment
from okx_gateway.ledger.jitter import JITTER_MS_MAX
from okx_gateway.settings import region, value
from okx_gateway.settings.listen_address import ListenAddress
from okx_gateway.settings.region import Region

_MINUTE_MS = 60_000


def _existing_file(path: Path | None) -> Path | None:
    if path is not None and not path.is_file():
        raise ValueError("must be a file, and there is none")
    return path


_Listen = Annotated[ListenAddress, BeforeValidator(value.listen_address)]
_ListenOrOff = Annotated[ListenAddress | None, BeforeValidator(value.listen_address)]
_File = Annotated[Path | None, AfterValidator(_existing_file)]
_WsUrl = Annotated[str, AfterValidator(value.ws_url)]


def _setting(default: Any, meaning: str, example: str, **limits: Any) -> Any:
    return Field(default=default, description=meaning, examples=[example], **limits)


class Settings(BaseModel):
    """Everything that can be set, checked."""

    model_config = ConfigDict(
        frozen=True, extra="forbid", hide_input_in_errors=True, str_strip_whitespace=True
    )

    redis_url: Annotated[str, AfterValidator(value.redis_url)] = _setting(
        "",
        "Redis or Valkey that holds budget and journal for all replicas; serving needs it. Also "
        "redis+sentinel://HOST:PORT,HOST:PORT/SERVICE or redis+cluster://HOST:PORT,HOST:PORT. "
        "May carry a password, so it is shown without.",
        "redis://localhost:6379/0",
        repr=False,
    )
    redis_replicas_min: int = _setting(
        0,
        "How many replicas of Redis must have an order's row before it is sent; where Redis fails "
        "over to a replica, 1 or more.",
        "1",
        ge=0,
        le=5,
    )
    redis_is_new: bool = _setting(
        False,
        "Whether this Redis has never served a gateway, so that no order can be missing in it. "
        "Otherwise no order is placed at the first start until OKX would show any that is. For the "
        "first start alone: a replica that starts with it cannot see that Redis was emptied.",
        "true",
    )
    region: Annotated[Region, BeforeValidator(value.lower_case)] = _setting(
        Region.GLOBAL, "The OKX site that the accounts were opened on; sets the OKX_*_URL.", "eea"
    )
    environment: Annotated[Environment, BeforeValidator(value.lower_case)] = _setting(
        Environment.DEMO,
        "live moves real funds; demo is OKX's demo trading. Sets the OKX_*_URL and which "
        "credentials of the vault are used.",
        "live",
    )
    okx_rest_url: Annotated[str, AfterValidator(value.rest_url)] = _setting(
        "", "OKX's REST host, in place of the region's.", "https://www.okx.com"
    )
    okx_ws_public_url: _WsUrl = _setting(
        "",
        "OKX's WebSocket for market data, in place of the region's.",
        "wss://ws.okx.com:8443/ws/v5/public",
    )
    okx_ws_private_url: _WsUrl = _setting(
        "",
        "OKX's WebSocket for accounts and orders, in place of the region's.",
        "wss://ws.okx.com:8443/ws/v5/private",
    )
    okx_ws_business_url: _WsUrl = _setting(
        "",
        "OKX's WebSocket for candles and algo orders, in place of the region's.",
        "wss://ws.okx.com:8443/ws/v5/business",
    )
    okx_ca_file: _File = _setting(
        None,
        "Certificates, PEM, to trust for OKX in place of the system's; for a stand-in for OKX "
        "with a certificate of its own.",
        "/etc/okx-gateway/ca.pem",
    )
    grpc_listen: _Listen = _setting(
        ListenAddress("127.0.0.1", 50_051), "Where gRPC is served.", "0.0.0.0:50051"
    )
    rest_listen: _Listen = _setting(
        ListenAddress("127.0.0.1", 8_080), "Where REST is served.", "0.0.0.0:8080"
    )
    admin_listen: _ListenOrOff = _setting(
        ListenAddress("127.0.0.1", 8_081),
        "Where operators are served; empty for nowhere.",
        "127.0.0.1:8081",
    )
    metrics_listen: _ListenOrOff = _setting(
        ListenAddress("127.0.0.1", 9_464),
        "Where Prometheus reads /metrics; empty for nowhere. Open to whoever can reach it.",
        "0.0.0.0:9464",
    )
    allow_unauthenticated_remote: bool = _setting(
        False,
        "Whether callers on other machines are served though the gateway has no file of identities "
        "or no certificate, so that something before it has to authenticate them and encrypt: a "
        "service mesh, a network policy.",
        "true",
    )
    identity_path: _File = _setting(
        None,
        "The file that says how callers and operators are known, see docs/access.md; without one "
        "they are believed. Read again when it changes.",
        "/etc/okx-gateway/identities.yaml",
    )
    tls_certificate_file: _File = _setting(
        None,
        "Certificate, PEM, with those between it and its authority, that gRPC, REST and the port "
        "of operators show; without one they are in clear. Read again when it changes.",
        "/run/secrets/tls.crt",
    )
    tls_key_file: _File = _setting(None, "Key of that certificate, PEM.", "/run/secrets/tls.key")
    tls_client_ca_file: _File = _setting(
        None,
        "Authorities, PEM, whose certificates callers may show. gRPC then takes no connection "
        "without one; REST does. Read again when it changes.",
        "/run/secrets/clients.pem",
    )
    grpc_reflection: bool = _setting(
        False,
        "Whether gRPC tells callers its own API, as grpcurl wants.",
        "true",
    )
    vault_path: Path | None = _setting(
        None, "The vault with the credentials; serving needs it.", "/var/lib/okx-gateway/vault.json"
    )
    vault_key_file: Path | None = _setting(
        None, "File with the key that opens the vault.", "/run/secrets/vault.key"
    )
    vault_key: Annotated[SecretStr | None, AfterValidator(value.vault_key)] = _setting(
        None,
        "The key that opens the vault, 32 bytes in base64, in place of a file.",
        "the text that `okx-gateway vault init` wrote to the key file",
    )
    policy_path: Annotated[Path | None, AfterValidator(_existing_file)] = _setting(
        None,
        "The policy, which says what every caller may do; without one everybody may do everything. "
        "Read again when it changes.",
        "/etc/okx-gateway/policy.yaml",
    )
    default_deadline_ms: int = _setting(
        5_000, "Deadline of a call whose caller gives none.", "5000", ge=100, le=10 * _MINUTE_MS
    )
    max_deadline_ms: int = _setting(
        60_000,
        "The longest deadline; a longer one is cut to it.",
        "60000",
        ge=100,
        le=10 * _MINUTE_MS,
    )
    order_validity_ms: int = _setting(
        1_000,
        "How long after its slot in the budget OKX may take an order (expTime).",
        "1000",
        ge=100,
        le=30_000,
    )
    order_route: Annotated[Literal["auto", "socket", "rest"], BeforeValidator(value.lower_case)] = (
        _setting(
            "auto",
            "How orders are placed, amended and cancelled: auto takes the WebSocket of the account "
            "where it is connected and takes the order, else REST; socket and rest take nothing "
            "else.",
            "rest",
        )
    )
    absence_margin_ms: int = _setting(
        10_000,
        "How long after an order's validity its absence at OKX proves that it was not placed.",
        "10000",
        ge=1_000,
        le=10 * _MINUTE_MS,
    )
    budget_jitter_ms: int = _setting(
        200,
        "By how much one request may take longer than another from its slot to OKX, of which up "
        "to 50 may pass before it leaves. Every rate-limit window is widened by it, for requests "
        "that are not answered yet.",
        "200",
        ge=0,
        le=JITTER_MS_MAX,
    )
    budget_jitter_learn: bool = _setting(
        True,
        "Whether windows are widened by more than OKX_GATEWAY_BUDGET_JITTER_MS where OKX's answers "
        "of the last hour, to all replicas, tell that the way varies by more.",
        "false",
    )
    budget_mode: Annotated[Literal["enforce", "shadow"], BeforeValidator(value.lower_case)] = (
        _setting(
            "enforce",
            "enforce makes requests wait for room in the rate limits; shadow only counts, to try "
            "limits and shares out where something else keeps them.",
            "shadow",
        )
    )
    replicas_max: int = _setting(
        4,
        "How many replicas on this Redis have a floor in the rate limits, which cancels and reads "
        "may use without Redis; as many as may run at a time, also while they are replaced, and "
        "the same for all. 0 for no floors.",
        "6",
        ge=0,
        le=100,
    )
    replica_slot: int | None = _setting(
        None,
        "Number of this replica, where the deployment gives every one on this Redis its own, as a "
        "StatefulSet does; those below OKX_GATEWAY_REPLICAS_MAX have a floor. Otherwise none is "
        "given a number, and replicas lease floors in Redis.",
        "0",
        ge=0,
        le=99,
    )
    caller_shares: Annotated[str, AfterValidator(value.caller_shares)] = _setting(
        "",
        "Percent of every window that a caller is guaranteed and gets at most, with commas "
        "between; * is every caller that is not named.",
        "algo=20-60,web=10-30,*=0-50",
    )
    look_first_minutes: int = _setting(
        15,
        "For how long after Redis may have lost orders an id that it does not know is looked up at "
        "OKX before it is sent.",
        "15",
        ge=0,
        le=24 * 60,
    )
    journal_retention_hours: int = _setting(
        168, "How long a client order id stays known.", "168", ge=1, le=24 * 90
    )
    egress_address: Annotated[str, AfterValidator(value.label)] = _setting(
        "default",
        "Name of the public address that these replicas call OKX from; replicas that share one "
        "share OKX's limits by address.",
        "nat-eu-1",
    )
    option_families: Annotated[tuple[str, ...], BeforeValidator(value.option_families)] = _setting(
        ("BTC-USD", "ETH-USD"),
        "Families of options that can be traded, with commas between; empty for none.",
        "BTC-USD,ETH-USD",
    )
    instrument_refresh_s: int = _setting(
        300, "How often the rules of instruments are read again.", "300", ge=10, le=86_400
    )
    private_channel_grace_s: float = _setting(
        60.0,
        "How long a channel of an account's orders or balance is kept that nobody needs. OKX "
        "allows each on 30 connections of an account, which all replicas share.",
        "300",
        ge=1,
        le=86_400,
    )
    order_changes_kept: int = _setting(
        10_000,
        "How many changes of an account's orders are kept for readers who come back; one that "
        "falls behind by more than three quarters of it is ended.",
        "50000",
        ge=100,
        le=1_000_000,
    )
    drain_grace_s: float = _setting(
        10.0, "How long calls may still finish when stopping.", "10", ge=0, le=600
    )
    calls_max: int = _setting(
        2_000,
        "Calls at a time; more are refused. PlaceOrder leaves a tenth of them to the others.",
        "2000",
        ge=1,
        le=1_000_000,
    )
    streams_max: int = _setting(
        1_000, "Streams at a time; more are refused.", "1000", ge=1, le=1_000_000
    )
    stream_stall_ms: int = _setting(
        10_000,
        "For how long nothing of a stream may be read before it is ended.",
        "10000",
        ge=500,
        le=_MINUTE_MS,
    )
    log_level: Annotated[
        Literal["debug", "info", "warning", "error"], BeforeValidator(value.lower_case)
    ] = _setting("info", "The least severe log lines that are written.", "debug")
    log_format: Annotated[Literal["json", "console"], BeforeValidator(value.lower_case)] = _setting(
        "json", "One JSON object a line for machines, or console for people.", "console"
    )
    trace_sample_ratio: float = _setting(
        0.1,
        "Share of calls that are traced, where their callers did not decide.",
        "0.01",
        ge=0,
        le=1,
        allow_inf_nan=False,
    )

    @model_validator(mode="before")
    @classmethod
    def _fill_hosts(cls, given: dict[str, Any]) -> dict[str, Any]:
        try:
            preset = region.hosts(
                Region(str(value.lower_case(given.get("region", Region.GLOBAL)))),
                Environment(str(value.lower_case(given.get("environment", Environment.DEMO)))),
            )
        except ValueError:
            return given  # what is wrong is told where these two are checked
        return {**preset, **{key: each for key, each in given.items() if key not in preset or each}}
