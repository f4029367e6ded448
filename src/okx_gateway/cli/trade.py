"""The commands that call a gateway once: `order`, `cancel`, `amend`, `balance`."""

import uuid

import click
from google.protobuf.timestamp_pb2 import Timestamp
from rich.console import Console
from rich.table import Table

from okx_gateway.api.v1 import gateway_service_pb2 as api
from okx_gateway.api.v1 import order_pb2
from okx_gateway.cli.gateway_client import Remote, echo, json_option, remote_options

_TIMES_IN_FORCE = {
    "gtc": order_pb2.TIME_IN_FORCE_GOOD_TILL_CANCELLED,
    "post-only": order_pb2.TIME_IN_FORCE_POST_ONLY,
    "fok": order_pb2.TIME_IN_FORCE_FILL_OR_KILL,
    "ioc": order_pb2.TIME_IN_FORCE_IMMEDIATE_OR_CANCEL,
}
_TARGETS = {"base": order_pb2.TARGET_CURRENCY_BASE, "quote": order_pb2.TARGET_CURRENCY_QUOTE}
_account = click.option("--account", default="main", show_default=True, help="Account to use.")


@click.command()
@click.argument("side", type=click.Choice(["buy", "sell"]))
@click.argument("quantity")
@click.argument("instrument")
@_account
@click.option("--price", help="Limit price; a market order without it.")
@click.option(
    "--time-in-force",
    type=click.Choice(list(_TIMES_IN_FORCE)),
    help="How long an order with a --price may stand.  [default: gtc]",
)
@click.option("--unit", type=click.Choice(list(_TARGETS)), help="Unit of a market order.")
@click.option(
    "--trade-mode",
    type=click.Choice(["cash", "cross", "isolated"]),
    default="cash",
    show_default=True,
    help="How the order is funded.",
)
@click.option("--id", "client_order_id", help="Client order id; a new one is made without it.")
@remote_options
@json_option
def order(  # noqa: PLR0913  # one parameter per option
    *,
    side: str,
    quantity: str,
    instrument: str,
    account: str,
    price: str | None,
    time_in_force: str | None,
    unit: str | None,
    trade_mode: str,
    client_order_id: str | None,
    remote: Remote,
    as_json: bool,
) -> None:
    """Place an order, at most once.

    \b
    okx-gateway order buy 0.001 BTC-USDT --price 30000
    okx-gateway order buy 50 BTC-USDT --unit quote

    Where the outcome is in doubt, run it again with the same --id: nothing is sent twice.
    """  # noqa: D301  # \b keeps the examples apart
    # Ignored, either would make another order of it than was meant.
    if price is None and time_in_force is not None:
        raise click.UsageError("--time-in-force needs a --price: a market order does not stand")
    if price is not None and unit is not None:
        raise click.UsageError("--unit is for market orders: leave out --price or --unit")
    request = api.PlaceOrderRequest(
        account=account,
        client_order_id=client_order_id or uuid.uuid4().hex,
        instrument=instrument,
        side=order_pb2.Side.Value(f"SIDE_{side.upper()}"),
        trade_mode=order_pb2.TradeMode.Value(f"TRADE_MODE_{trade_mode.upper()}"),
        quantity=quantity,
    )
    if price is None:
        request.market.SetInParent()
        if unit is not None:
            request.market.target_currency = _TARGETS[unit]
    else:
        request.limit.price = price
        request.limit.time_in_force = _TIMES_IN_FORCE[time_in_force or "gtc"]
    click.echo(f"client order id  {request.client_order_id}", err=True)
    response = remote.ask(lambda gateway: gateway.PlaceOrder, request)
    rows = {
        "outcome": order_pb2.OrderOutcome.Name(response.outcome),
        "exchange order id": response.exchange_order_id,
        "placed at": _time(response.place_time),
        "replayed": "yes, nothing was sent" if response.replayed else "",
    }
    echo(response, as_json=as_json, rows=rows)


@click.command()
@click.argument("client_order_id", required=False, default="")
@_account
@click.option("--exchange-id", "exchange_order_id", default="", help="OKX's id instead.")
@click.option("--instrument", default="", help="Needed where the gateway did not place it.")
@remote_options
@json_option
def cancel(
    *,
    client_order_id: str,
    account: str,
    exchange_order_id: str,
    instrument: str,
    remote: Remote,
    as_json: bool,
) -> None:
    """Cancel an order, by its CLIENT_ORDER_ID or by --exchange-id."""
    request = api.CancelOrderRequest(account=account, instrument=instrument)
    _name(request, client_order_id, exchange_order_id)
    response = remote.ask(lambda gateway: gateway.CancelOrder, request)
    rows = {
        "outcome": api.CancelOutcome.Name(response.outcome),
        "exchange order id": response.exchange_order_id,
        "at": _time(response.update_time),
    }
    echo(response, as_json=as_json, rows=rows)


@click.command()
@click.argument("client_order_id", required=False, default="")
@_account
@click.option(
    "--quantity", "new_quantity", default="", help="New quantity, what is filled included."
)
@click.option("--price", "new_price", default="", help="New price.")
@click.option("--exchange-id", "exchange_order_id", default="", help="OKX's id instead.")
@click.option("--instrument", default="", help="Needed where the gateway did not place it.")
@remote_options
@json_option
def amend(  # one parameter per option
    *,
    client_order_id: str,
    account: str,
    new_quantity: str,
    new_price: str,
    exchange_order_id: str,
    instrument: str,
    remote: Remote,
    as_json: bool,
) -> None:
    """Give an order, by its CLIENT_ORDER_ID or by --exchange-id, another quantity or price."""
    if not (new_quantity or new_price):
        raise click.UsageError("give --quantity or --price")
    request = api.AmendOrderRequest(
        account=account, instrument=instrument, new_quantity=new_quantity, new_price=new_price
    )
    _name(request, client_order_id, exchange_order_id)
    response = remote.ask(lambda gateway: gateway.AmendOrder, request)
    rows = {
        "outcome": api.AmendOutcome.Name(response.outcome),
        "exchange order id": response.exchange_order_id,
        "at": _time(response.update_time),
    }
    echo(response, as_json=as_json, rows=rows)


@click.command()
@click.argument("currencies", nargs=-1)
@_account
@remote_options
@json_option
def balance(*, currencies: tuple[str, ...], account: str, remote: Remote, as_json: bool) -> None:
    """Show what an account holds, of all CURRENCIES or of those named."""
    request = api.GetBalanceRequest(account=account, currencies=currencies)
    response = remote.ask(lambda gateway: gateway.GetBalance, request)
    if as_json:
        echo(response, as_json=True, rows={})
        return
    Console().print(balance_table(response))


def balance_table(response: api.GetBalanceResponse) -> Table:
    """Lay a balance out for a terminal."""
    age_ms = response.age.ToMilliseconds()
    table = Table(
        title=f"total {response.balance.total_equity_usd} USD, {age_ms} ms old",
        title_justify="left",
    )
    for name in ("currency", "available", "frozen", "equity", "in USD"):
        table.add_column(name, justify="left" if name == "currency" else "right")
    for each in response.balance.currencies:
        table.add_row(each.currency, each.available, each.frozen, each.equity, each.equity_usd)
    return table


def _name(
    request: api.CancelOrderRequest | api.AmendOrderRequest,
    client_order_id: str,
    exchange_order_id: str,
) -> None:
    if bool(client_order_id) == bool(exchange_order_id):
        raise click.UsageError("give either CLIENT_ORDER_ID or --exchange-id")
    if client_order_id:
        request.client_order_id = client_order_id
    else:
        request.exchange_order_id = exchange_order_id


def _time(moment: Timestamp) -> str:
    return moment.ToJsonString() if moment.ByteSize() else ""
