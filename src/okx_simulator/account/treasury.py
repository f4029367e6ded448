"""How does money move between accounts, and what records that? Changes accounts.

Source: OKX docs, 'Funds transfer', 'Get funds transfer state' and 'Asset bills details'.
"""

from collections import OrderedDict, defaultdict, deque
from decimal import Decimal

from okx_simulator.account.account import RECORDS_MAX, Account
from okx_simulator.account.bill import TRANSFER, TRANSFER_IN, TRANSFER_OUT, BalanceChange, bill_row
from okx_simulator.account.margin import Marks, standing
from okx_simulator.answer import Row
from okx_simulator.error_code import RefusedError
from okx_simulator.ids import Ids
from okx_simulator.market.instrument_table import START_USD
from okx_simulator.number import text
from okx_simulator.rest.param import Params, amount, choice, text_of

FUNDING_ACCOUNT, TRADING_ACCOUNT = "6", "18"
OWN, TO_SUB, FROM_SUB, FROM_SUB_BY_SUB = "0", "1", "2", "3"
TRANSFERS_MAX = 10_000
_NAMES = {FUNDING_ACCOUNT: "Funding account", TRADING_ACCOUNT: "Trading account"}
# `type` of a funding bill: from or to the trading account, from or to another account.
_BILL_KINDS = {
    ("in", False): "130",
    ("out", False): "131",
    ("in", True): "21",
    ("out", True): "20",
}


class Treasury:
    """Transfers money at once, and keeps their record."""

    def __init__(self, accounts: dict[str, Account], ids: Ids, marks: Marks) -> None:
        self._accounts = accounts
        self._ids = ids
        self._marks = marks
        self._transfers: OrderedDict[str, Row] = OrderedDict()
        self._bills: defaultdict[str, deque[Row]] = defaultdict(lambda: deque(maxlen=RECORDS_MAX))

    def transfer(self, account: Account, params: Params, now_ms: int) -> Row:
        """Move money between funding and trading account, or a master and its sub-account.

        Raises:
            RefusedError: Nothing was moved.
        """
        ccy, money = text_of(params, "ccy"), amount(params, "amt")
        if ccy not in START_USD:
            raise RefusedError("51000", "ccy")
        if money is None:
            raise RefusedError("58114")
        kind = choice(params, "type", (OWN, TO_SUB, FROM_SUB, FROM_SUB_BY_SUB), OWN)
        pockets = (FUNDING_ACCOUNT, TRADING_ACCOUNT)
        source, target = choice(params, "from", pockets), choice(params, "to", pockets)
        giver, taker = self._parties(account, kind, text_of(params, "subAcct"))
        if giver is taker and source == target:
            raise RefusedError("58123")
        self._check_funds(giver, source, ccy, money)
        moved_away = giver is not taker
        self._book(giver, source, ccy, -money, now_ms, other=target, is_foreign=moved_away)
        self._book(taker, target, ccy, money, now_ms, other=source, is_foreign=moved_away)
        row = {
            "amt": text(money),
            "ccy": ccy,
            "clientId": text_of(params, "clientId"),
            "from": source,
            "to": target,
            "transId": str(self._ids.next(now_ms)),
        }
        self._remember(account, row, kind, text_of(params, "subAcct"))
        return row

    def state(self, account: Account, params: Params) -> Row:
        """Return the state of a transfer.

        Raises:
            RefusedError: 50015, none is named; 51000, there is no such transfer.
        """
        trans_id, client_id = text_of(params, "transId"), text_of(params, "clientId")
        if not trans_id and not client_id:
            raise RefusedError("50015", "transId", "clientId")
        for row in reversed(self._transfers.values()):
            if row["uid"] != account.uid:
                continue
            if trans_id == row["transId"] or (not trans_id and client_id == row["clientId"]):
                return {name: value for name, value in row.items() if name != "uid"}
        raise RefusedError("51000", "transId" if trans_id else "clientId")

    def bills(self, account: Account) -> list[Row]:
        """Return the bills of the funding account, newest first."""
        return list(reversed(self._bills[account.uid]))

    def _parties(self, account: Account, kind: str, sub_name: str) -> tuple[Account, Account]:
        """Return who gives and who takes."""
        if kind == OWN:
            return account, account
        if kind == FROM_SUB_BY_SUB:
            master = self._accounts.get(account.main_uid)
            if master is None or master is account:
                raise RefusedError("58129", "type")
            return account, master
        for one in self._accounts.values():
            is_mine = one.main_uid == account.uid and one is not account
            if is_mine and one.settings.label == sub_name:
                return (account, one) if kind == TO_SUB else (one, account)
        raise RefusedError("58115")

    def _check_funds(self, giver: Account, pocket: str, ccy: str, money: Decimal) -> None:
        if pocket == FUNDING_ACCOUNT:
            free = giver.funding[ccy]
        else:
            free = standing(giver, ccy, self._marks).available_cash
        if money > free:
            raise RefusedError("58350" if pocket == FUNDING_ACCOUNT else "58116")

    def _book(
        self,
        account: Account,
        pocket: str,
        ccy: str,
        change: Decimal,
        now_ms: int,
        *,
        other: str,
        is_foreign: bool,
    ) -> None:
        bill_id = str(self._ids.next(now_ms))
        if pocket == FUNDING_ACCOUNT:
            account.funding[ccy] += change
            direction = "in" if change > 0 else "out"
            self._bills[account.uid].append(
                {
                    "bal": text(account.funding[ccy]),
                    "balChg": text(change),
                    "billId": bill_id,
                    "ccy": ccy,
                    "clientId": "",
                    "notes": "",
                    "ts": str(now_ms),
                    "type": _BILL_KINDS[direction, is_foreign],
                }
            )
            return
        source, target = (other, pocket) if change > 0 else (pocket, other)
        bill = BalanceChange(
            bill_id=bill_id,
            ccy=ccy,
            change=change,
            balance=account.pay(ccy, change, now_ms),
            at_ms=now_ms,
            kind=TRANSFER,
            sub_kind=TRANSFER_IN if change > 0 else TRANSFER_OUT,
            sz=abs(change),
            notes=f"From {_NAMES[source]} To {_NAMES[target]}",
            from_account=source,
            to_account=target,
        )
        account.bills.append(bill_row(bill))
        account.transferred = True

    def _remember(self, account: Account, row: Row, kind: str, sub_name: str) -> None:
        other = {"instId": "", "state": "success", "toInstId": "", "subAcct": sub_name}
        self._transfers[row["transId"]] = {**row, **other, "type": kind, "uid": account.uid}
        while len(self._transfers) > TRANSFERS_MAX:
            self._transfers.popitem(last=False)
