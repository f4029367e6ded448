"""Which order does a caller mean, and on which instrument?"""

from dataclasses import dataclass

from okx_gateway.custody.account_register import AccountRegister
from okx_gateway.domain.account import Account
from okx_gateway.domain.deadline import Deadline
from okx_gateway.domain.errors import (
    InvalidRequestError,
    LedgerRecoveringError,
    LedgerUnavailableError,
    OrderNotFoundError,
    OwnError,
    Violation,
)
from okx_gateway.domain.instrument import Instrument
from okx_gateway.domain.order import OrderName, Placed
from okx_gateway.ledger.order_record import OrderRecord
from okx_gateway.ledger.redis_ledger import RedisLedger
from okx_gateway.market.instrument_catalog import InstrumentCatalog


@dataclass(frozen=True, slots=True)
class MeantOrder:
    """An order as far as the gateway knows it; `record` is None where it did not place it.

    `name` is OKX's id where that is known: a caller's id may be used again at OKX. `unread` says
    why the journal could not tell whether the gateway placed it: then absence proves nothing.
    """

    account: Account
    instrument: Instrument
    name: OrderName
    record: OrderRecord | None
    unread: OwnError | None = None


@dataclass(frozen=True, slots=True)
class FindOrder:
    """Reads the journal for what the caller left out."""

    accounts: AccountRegister
    instruments: InstrumentCatalog
    ledger: RedisLedger

    async def __call__(
        self, account_name: str, name: OrderName, instrument_name: str, deadline: Deadline
    ) -> MeantOrder:
        """Find out which order is meant.

        Raises:
            OrderNotFoundError: The gateway did not place it, and no instrument says where to look.
            InvalidRequestError: The instrument is not listed, is not that of the order, or is
                needed because the ledger has lost what it knew.
            LedgerUnavailableError, LedgerRecoveringError: Only the journal knew the instrument.
        """
        account = await self.accounts.find(account_name, deadline)
        record, unread = None, None
        if name.client_order_id:
            try:
                record = await self.ledger.read(account.owner, name.client_order_id)
            except (LedgerUnavailableError, LedgerRecoveringError) as error:
                if not instrument_name:
                    raise
                unread = error
        if record is None and not instrument_name:
            if await self.ledger.may_lack_rows(account.owner):
                rule = "is required: the ledger has lost orders, and only it knew where they were"
                raise InvalidRequestError([Violation("instrument", rule)])
            raise OrderNotFoundError(client_order_id=name.client_order_id)
        if record is not None and instrument_name not in ("", record.order.instrument):
            raise InvalidRequestError(
                [Violation("instrument", f"must be that of order {name}", instrument_name)]
            )
        listed = self.instruments.find_any(
            record.order.instrument if record is not None else instrument_name
        )
        if listed is None:
            raise InvalidRequestError(
                [Violation("instrument", "is not listed at OKX", instrument_name)]
            )
        if record is not None and isinstance(record.outcome, Placed):
            name = OrderName(exchange_order_id=record.outcome.exchange_order_id)
        return MeantOrder(account, listed, name, record, unread)
