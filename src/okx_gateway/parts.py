"""What are the use cases of a gateway made of?  Made here from the settings, once, for app.py."""

import ssl
from collections.abc import Callable, Iterable
from contextlib import AsyncExitStack
from dataclasses import dataclass
from functools import partial

from okx_gateway.account.live_accounts import LiveAccounts
from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.custody.credential import Environment
from okx_gateway.custody.journal_seal import JournalSeal
from okx_gateway.custody.signer import Signer
from okx_gateway.custody.socket_login import socket_login
from okx_gateway.custody.vault_file import VaultFile
from okx_gateway.custody.vault_key import VaultKey, vault_key_from_text
from okx_gateway.custody.vault_key_file import read_vault_key
from okx_gateway.ledger.caller_shares import CallerShares, caller_shares_from
from okx_gateway.ledger.charge import ChargeTable
from okx_gateway.ledger.floor import Floor
from okx_gateway.ledger.redis_jitter import RedisJitter
from okx_gateway.ledger_parts import LedgerParts, make_ledger
from okx_gateway.live_parts import make_live_accounts, make_private_sockets
from okx_gateway.market.clock_sync import ERROR_MS_MAX
from okx_gateway.market.instrument_catalog import InstrumentCatalog
from okx_gateway.market_parts import MarketParts, make_market
from okx_gateway.okx.exchange_client import ExchangeClient
from okx_gateway.okx.exchange_clock import ExchangeClock
from okx_gateway.okx.order_sockets import OrderSockets
from okx_gateway.okx.private_sockets import PrivateSockets
from okx_gateway.okx.rest_client import RestClient
from okx_gateway.okx.socket_keeper import ChannelSocket
from okx_gateway.settings import Settings
from okx_gateway.usecases.alarms import Alarms
from okx_gateway.usecases.ask_exchange import AskExchange
from okx_gateway.usecases.kept_cancel import KeptCancel
from okx_gateway.usecases.learn_jitter import LearnJitter
from okx_gateway.usecases.order_lists import OrderLists
from okx_gateway.usecases.public_requests import PublicRequests
from okx_gateway.usecases.read_orders import ReadOrders
from okx_gateway.usecases.reconcile import Reconcile
from okx_gateway.usecases.resolve_order import ResolveOrder
from okx_gateway.usecases.send_amend import SendAmend
from okx_gateway.usecases.settle_order import SettleOrder
from okx_gateway.usecases.supervisor import Supervisor
from okx_gateway.usecases.throttling import Throttling
from okx_gateway.usecases.watch_timing import WatchTiming


class UnfitSettingsError(Exception):
    """The settings are right each, and yet nothing can be served with them; says what to do."""


@dataclass(frozen=True, slots=True, kw_only=True)
class OrderParts:
    """What brings orders to their ends."""

    kept_cancel: KeptCancel
    settle: SettleOrder
    resolve: ResolveOrder
    reconcile: Reconcile
    send_amend: SendAmend


@dataclass(frozen=True, slots=True, kw_only=True)
class Parts:
    """All of it."""

    clock: ExchangeClock
    exchange: ExchangeClient
    accounts: AccountRegister
    supervisor: Supervisor
    ask: AskExchange
    public: PublicRequests
    timing: WatchTiming
    ledger: LedgerParts
    market: MarketParts
    orders: OrderParts
    live: LiveAccounts

    def unready_because(self) -> list[str]:
        """Why calls are not wanted yet; empty once they are."""
        reasons = []
        if self.clock.error_ms() > ERROR_MS_MAX:
            reasons.append("OKX's clock is not known")
        if not self.market.instruments.loaded:
            reasons.append("no instruments are known")
        if not self.accounts.ready:
            reasons.append("no account's credential is verified")
        if not self.orders.reconcile.caught_up:
            reasons.append("the ledger may have lost orders that OKX does not show yet")
        return reasons


async def make_parts(
    settings: Settings, stack: AsyncExitStack, shares: CallerShares | None = None
) -> Parts:
    """Make them; what has to be closed is closed with `stack`.

    `shares` are those of a policy, in place of those that are set.

    Raises:
        UnfitSettingsError: The vault has no account for these settings.
        VaultError: The vault cannot be opened.
    """
    tls, clock = _tls(settings), ExchangeClock()
    vault_key = _vault_key(settings)
    signer = _signer(settings, vault_key)
    rest = await stack.enter_async_context(RestClient(settings.okx_rest_url, tls=tls))
    exchange = _make_exchange(settings, rest, signer, clock, lambda: (sockets, market))
    ledger = make_ledger(settings, stack, JournalSeal(vault_key))
    supervisor, alarms = Supervisor(tasks_max=settings.calls_max), Alarms()
    jitter = _make_jitter(settings, ledger.jitter, clock, lambda: _owners_of(accounts))
    throttling = Throttling(ledger.budget, supervisor, alarms)
    charges = _make_charges(settings, jitter, shares)
    ask = _make_ask(ledger, charges, exchange, throttling)
    public = PublicRequests(settings.egress_address, ask, exchange, clock)
    accounts = AccountRegister(signer, settings.environment, read_config=public.account_config)
    sockets = make_private_sockets(
        settings,
        stack,
        tls=tls,
        login_of=partial(socket_login, signer, clock),
        wait_for_room=public.wait_to_connect,
        alarms=alarms,
    )
    market = make_market(settings, stack, public, supervisor=supervisor, tls=tls, alarms=alarms)
    return Parts(
        clock=clock,
        exchange=exchange,
        accounts=accounts,
        supervisor=supervisor,
        ask=ask,
        public=public,
        timing=_make_timing(settings, jitter, alarms),
        ledger=ledger,
        market=market,
        orders=_make_orders(
            settings.absence_margin_ms,
            ledger=ledger,
            ask=ask,
            accounts=accounts,
            instruments=market.instruments,
            clock=clock,
            supervisor=supervisor,
        ),
        live=make_live_accounts(
            settings,
            stack,
            sockets,
            read=ReadOrders(accounts, market.instruments, ask),
            clock=clock,
            alarms=alarms,
        ),
    )


def _owners_of(accounts: AccountRegister) -> Iterable[str]:
    return (each.owner for each in accounts.verified())


def _make_exchange(
    settings: Settings,
    rest: RestClient,
    signer: Signer,
    clock: ExchangeClock,
    later: Callable[[], tuple[PrivateSockets, MarketParts]],
) -> ExchangeClient:
    """`later` gives what is made once there is an exchange to ask."""

    def socket_of(account: str) -> ChannelSocket:
        sockets, _ = later()
        return sockets.of(account)

    def on_wrong_code() -> None:
        _, market = later()
        market.instruments.doubt()

    sockets = OrderSockets(socket_of, route=settings.order_route, on_wrong_code=on_wrong_code)
    demo = settings.environment is Environment.DEMO
    return ExchangeClient(rest, signer, clock, demo=demo, sockets=sockets)


def _make_charges(
    settings: Settings, jitter: LearnJitter, shares: CallerShares | None
) -> ChargeTable:
    shares = shares or caller_shares_from(settings.caller_shares)
    return ChargeTable(jitter.jitter_ms, shares, settings.replicas_max)


def _make_ask(
    ledger: LedgerParts, charges: ChargeTable, exchange: ExchangeClient, throttling: Throttling
) -> AskExchange:
    return AskExchange(
        budget=ledger.budget,
        floors=Floor(ledger.slot.held),
        charges=charges,
        exchange=exchange,
        throttling=throttling,
    )


def _make_timing(settings: Settings, jitter: LearnJitter, alarms: Alarms) -> WatchTiming:
    return WatchTiming(
        jitter,
        alarms,
        validity_ms=settings.order_validity_ms,
        margin_ms=settings.absence_margin_ms,
    )


def _make_jitter(
    settings: Settings,
    redis: RedisJitter,
    clock: ExchangeClock,
    owners: Callable[[], Iterable[str]],
) -> LearnJitter:
    return LearnJitter(
        redis,
        set_ms=settings.budget_jitter_ms,
        learn=settings.budget_jitter_learn,
        owners=owners,
        clocks_set=lambda: clock.times_set + redis.clocks_set,
    )


def _make_orders(
    margin_ms: int,
    *,
    ledger: LedgerParts,
    ask: AskExchange,
    accounts: AccountRegister,
    instruments: InstrumentCatalog,
    clock: ExchangeClock,
    supervisor: Supervisor,
) -> OrderParts:
    kept_cancel = KeptCancel(ledger.journal, ask)
    settle = SettleOrder(ledger.journal, kept_cancel, supervisor)
    resolve = ResolveOrder(
        settle=settle,
        ask=ask,
        lists=OrderLists(ask),
        clock=clock,
        supervisor=supervisor,
        margin_ms=margin_ms,
    )
    reconcile = Reconcile(
        accounts=accounts,
        instruments=instruments,
        ledger=ledger.journal,
        resolve=resolve,
        kept_cancel=kept_cancel,
        clock=clock,
        supervisor=supervisor,
    )
    return OrderParts(
        kept_cancel=kept_cancel,
        settle=settle,
        resolve=resolve,
        reconcile=reconcile,
        send_amend=SendAmend(amends=ledger.amends, ask=ask, clock=clock, margin_ms=margin_ms),
    )


def _tls(settings: Settings) -> ssl.SSLContext | None:
    if settings.okx_ca_file is None:
        return None
    context = ssl.create_default_context(cafile=str(settings.okx_ca_file))
    context.minimum_version = ssl.TLSVersion.TLSv1_2
    return context


def _signer(settings: Settings, vault_key: VaultKey) -> Signer:
    assert settings.vault_path is not None  # noqa: S101  # require_servable saw to it
    credentials = VaultFile(settings.vault_path).open_newest(vault_key, settings.environment)
    if not credentials:
        raise UnfitSettingsError(
            f"the vault {settings.vault_path} has no {settings.environment} credential; "
            f"`okx-gateway vault add ACCOUNT --environment {settings.environment}` adds one"
        )
    return Signer(credentials, environment=settings.environment)


def _vault_key(settings: Settings) -> VaultKey:
    if settings.vault_key_file is not None:
        return read_vault_key(settings.vault_key_file)
    assert settings.vault_key is not None  # noqa: S101  # require_servable saw to it
    return vault_key_from_text(
        settings.vault_key.get_secret_value(), origin="OKX_GATEWAY_VAULT_KEY"
    )
