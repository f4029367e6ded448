"""What does each of OKX's error codes say, and with which HTTP status? Pure.

The words are those which OKX sends, because clients match on them.
Source: OKX docs, 'Error Code'.
"""

from http import HTTPStatus

# code: text; {0}, {1} ... are filled in by the refusal.
MESSAGES: dict[str, str] = {
    "1": "All operations failed",
    "2": "Bulk operation partially succeeded.",
    "50000": "Body for POST request cannot be empty.",
    "50001": "Service temporarily unavailable. Please try again later.",
    "50002": "JSON syntax error",
    "50004": (
        "API endpoint request timeout. (does not mean that the request was successful or failed, "
        "please check the request result)."
    ),
    "50005": "API endpoint is inactive or unavailable.",
    "50006": 'Invalid Content-Type. Please use "application/JSON".',
    "50011": "Too Many Requests",
    "50013": "Systems are busy. Please try again later.",
    "50014": "Parameter {0} can not be empty.",
    "50015": "Either parameter {0} or {1} is required",
    "50016": "Parameter {0} does not match parameter {1}",
    "50024": "Parameter {0} and {1} can not exist at the same time.",
    "50025": "Parameter {0} count exceeds the limit {1}.",
    "50026": "System error. Try again later",
    "50030": "You don't have permission to use this API endpoint",
    "50036": (
        "The expTime can't be earlier than the current system time. "
        "Please adjust the expTime and try again."
    ),
    "50037": "Order expired.",
    "50038": "This feature is unavailable in demo trading",
    "50039": 'Parameter "before" isn\'t supported for timestamp pagination',
    "50061": "You've reached the maximum order rate limit for this account.",
    "50072": (
        "Isolated margin mode is no longer supported in multi-currency margin mode "
        "and portfolio margin mode."
    ),
    "50101": "APIKey does not match current environment.",
    "50102": "Timestamp request expired.",
    "50103": 'Request header "OK-ACCESS-KEY" cannot be empty.',
    "50104": 'Request header "OK-ACCESS-PASSPHRASE" cannot be empty.',
    "50105": 'Request header "OK-ACCESS-PASSPHRASE" incorrect.',
    "50106": 'Request header "OK-ACCESS-SIGN" cannot be empty.',
    "50107": 'Request header "OK-ACCESS-TIMESTAMP" cannot be empty.',
    "50110": "Your IP {0} is not included in your API key's IP whitelist.",
    "50111": "Invalid OK-ACCESS-KEY.",
    "50112": "Invalid OK-ACCESS-TIMESTAMP.",
    "50113": "Invalid signature.",
    "50115": "Invalid request method.",
    "50119": "API key doesn't exist",
    "50120": "This API key doesn't have permission to use this function",
    "51000": "Parameter {0} error",
    "51001": "Instrument ID, Instrument ID code or Spread ID doesn't exist.",
    "51003": "Either client order ID or order ID is required.",
    "51004": (
        "Order failed. The sum of current order size, position quantity and pending orders of {0} "
        "can't be more than {1}(contracts) which is the maximum position amount under current "
        "leverage."
    ),
    "51005": "Your order amount exceeds the max order amount.",
    "51006": (
        "Order price is not within the price limit (max buy price: {0} , min sell price: {1} )"
    ),
    "51007": "Order failed. Please place orders of at least 1 contract or more.",
    "51008": "Order failed. Insufficient {0} balance in account",
    "51010": "Request unsupported under current account mode",
    "51015": "Instrument ID doesn't match instrument type.",
    "51016": "Client order ID already exists.",
    "51020": "Your order should meet or exceed the minimum order amount.",
    "51022": "Contract suspended.",
    "51023": "Position doesn't exist.",
    "51027": "Contract expired.",
    "51036": "Only options instrument of the PM account supports MMP orders.",
    "51041": "Portfolio margin account only supports the Buy/Sell mode.",
    "51046": "The take profit trigger price must be higher than the order price",
    "51047": "The stop loss trigger price must be lower than the order price",
    "51048": "The take profit trigger price must be lower than the order price",
    "51049": "The stop loss trigger price must be higher than the order price",
    "51065": "algoClOrdId already exists.",
    "51066": (
        "Market orders unavailable for options trading. Place a limit order to close position."
    ),
    "51068": "{0} already exists within algoClOrdId and attachAlgoClOrdId.",
    "51071": "You've reached the maximum limit for tag level cancel all after timers.",
    "51076": (
        "TP/SL orders in Split TPs only support one-way TP/SL. You can't use slTriggerPx&slOrdPx "
        "and tpTriggerPx&tpOrdPx at the same time."
    ),
    "51083": (
        "The total size of TP orders with Split TPs attached in a same order should equal "
        "the size of this order"
    ),
    "51089": "The size of the TP order among split TPs attached cannot be empty",
    "51101": "Order failed, the sz of the current order can't be more than {0} (contracts).",
    "51102": (
        "Order failed, the number of pending orders for this instId can't be more than {0} (orders)"
    ),
    "51111": "Maximum {0} orders can be placed in bulk.",
    "51112": "Close order size exceeds available size for this position.",
    "51115": "Cancel all pending close-orders before liquidation.",
    "51116": "Order price or trigger price exceeds {0}.",
    "51121": "Order quantity must be a multiple of the lot size.",
    "51122": "Order price should higher than the min price {0}",
    "51127": "Available balance is 0.",
    "51150": "The precision of the number of trades or the price exceeds the limit.",
    "51169": (
        "Order failed because you don't have any positions in this direction for this contract "
        "to reduce or close."
    ),
    "51170": (
        "Failed to place order. A reduce-only order can't be the same trading direction as your "
        "existing positions."
    ),
    "51174": "Order failed, number of pending orders for {0} exceed the limit of {1}.",
    "51175": "Parameters {0} {1} and {2} cannot be empty at the same time",
    "51176": "Only one parameter can be filled among Parameters {0} {1} and {2}",
    "51186": (
        "Order failed. The leverage for {0} in your current margin mode is {1}x, "
        "which exceeds the platform limit of {2}x."
    ),
    "51201": "The value of a market order can't exceed {0}.",
    "51202": "Market order amount exceeds the maximum amount.",
    "51203": "Order amount exceeds the limit {0}.",
    "51204": "The price for the limit order cannot be empty.",
    "51205": "Reduce Only is not available.",
    "51277": "TP trigger price cannot be higher than the last price.",
    "51278": "SL trigger price cannot be lower than the last price.",
    "51279": "TP trigger price cannot be lower than the last price.",
    "51280": "SL trigger price cannot be higher than the last price.",
    "51281": "Trigger order do not support the tgtCcy parameter.",
    "51299": "Order did not go through. You can hold a maximum of {0} orders of this type.",
    "51311": "Failed to place trailing stop order. Callback rate should be within {0}<x<={1}",
    "51317": "Trigger orders are not available by margin",
    "51327": "closeFraction is only available for Expiry Futures and Perpetual Futures",
    "51328": "closeFraction is only available for reduceOnly orders",
    "51330": "closeFraction is only available for stop market orders",
    "51400": (
        "Order cancellation failed as the order has been filled, canceled or does not exist."
    ),
    "51405": "Cancellation failed as you don't have any pending orders.",
    "51406": "Canceled - order count exceeds the limit {0}.",
    "51407": "Either order ID or client order ID is required.",
    "51411": "Account does not have permission for mass cancellation.",
    "51416": "Order has been triggered and can't be canceled",
    "51500": "You must enter a price, quantity, or TP/SL",
    "51501": "Maximum {0} orders can be modified.",
    "51502": "Order failed. Insufficient {0} balance in account",
    "51503": "Your order has already been filled or canceled.",
    "51506": "Order modification unavailable for the order type.",
    "51511": ("Modification failed as the order price did not meet the requirement for Post Only."),
    "51512": (
        "Failed to amend orders in batches. You cannot have duplicate orders in the same "
        "amend-batch-orders request."
    ),
    "51527": "Order modification unsuccessful. The stop order does not exist.",
    "51536": (
        "Unable to modify the size of the options order if the price type is pxUsd or pxVol."
    ),
    "51601": "Order status and order id cannot exist at the same time.",
    "51602": "Either order status or order ID is required.",
    "51603": "Order does not exist.",
    "54004": (
        "Order placement or modification failed because one of the orders in the batch failed."
    ),
    "54036": (
        "You can't place fill or kill orders when self-trade prevention is set to both maker "
        "and taker orders."
    ),
    "58013": "Withdrawals not supported yet, contact customer support for details",
    "58102": "Rate limit reached. Please refer to API docs and throttle requests accordingly.",
    "58114": "Transfer amount must be greater than 0",
    "58115": "Sub-account does not exist.",
    "58116": "Transfer exceeds the available amount.",
    "58123": "The From parameter cannot be the same as the To parameter.",
    "58129": "{0} is incorrect or {0} does not match with 'type'",
    "58350": "Insufficient balance.",
    "59000": "Settings failed. Close any open positions or orders before modifying settings.",
    "59102": "Leverage exceeds the maximum limit. Please lower the leverage.",
    "59300": "Margin call failed. Position does not exist.",
    "59301": "Margin adjustment failed for exceeding the max limit.",
}

# Codes which OKX answers with another status than 200.
STATUSES: dict[str, HTTPStatus] = {
    **dict.fromkeys(
        ("50000", "50002", "50004", "50006", "50014", "50015", "50016", "50100"),
        HTTPStatus.BAD_REQUEST,
    ),
    **dict.fromkeys(("51000", "51406", "51501", "58114"), HTTPStatus.BAD_REQUEST),
    **dict.fromkeys(
        (
            *("50101", "50102", "50103", "50104", "50105", "50106", "50107"),
            *("50108", "50109", "50110", "50111", "50112", "50113", "50114"),
        ),
        HTTPStatus.UNAUTHORIZED,
    ),
    "50001": HTTPStatus.SERVICE_UNAVAILABLE,
    "50005": HTTPStatus.GONE,
    "50011": HTTPStatus.TOO_MANY_REQUESTS,
    "50013": HTTPStatus.TOO_MANY_REQUESTS,
    "50026": HTTPStatus.INTERNAL_SERVER_ERROR,
    "50035": HTTPStatus.FORBIDDEN,
    "50115": HTTPStatus.METHOD_NOT_ALLOWED,
    "51054": HTTPStatus.INTERNAL_SERVER_ERROR,
    "51113": HTTPStatus.TOO_MANY_REQUESTS,
    "51115": HTTPStatus.TOO_MANY_REQUESTS,
    "51149": HTTPStatus.INTERNAL_SERVER_ERROR,
    "58102": HTTPStatus.TOO_MANY_REQUESTS,
}


class RefusedError(Exception):
    """The exchange refuses a request, or one order of it, with one of its codes.

    `fill` goes into the placeholders of the code's text. Nothing was changed.
    """

    def __init__(self, code: str, *fill: object) -> None:
        self.code = code
        self.message = MESSAGES[code].format(*fill)
        super().__init__(f"{code} {self.message}")


def status_of(code: str) -> HTTPStatus:
    """Return the HTTP status with which a call refused by `code` is answered."""
    return STATUSES.get(code, HTTPStatus.OK)
