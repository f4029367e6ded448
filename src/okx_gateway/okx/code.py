"""What does an OKX code prove?  A table, pure.

Only a code listed here proves that an order does not exist. Everything else, known or not, leaves
doubt: OKX says of some of its errors that they mean neither success nor failure.
Source: OKX docs v5, "Error Code", November 2025.
"""


def _codes(text: str) -> frozenset[str]:
    return frozenset(text.split())


SUCCESS = "0"
PARTIAL_SUCCESS = "2"
# All went well, all failed, some failed: the cause of each is in its row.
ENVELOPES_OF_ROWS = ("0", "1", "2")

# The request was counted and not carried out.
THROTTLED = _codes("50011 50061")

# The credential, its rights, or where it is used from.
CREDENTIAL = _codes(
    """50030 50035 50041 50100 50101 50103 50104 50105 50106 50107 50108 50109 50110 50111 50113
    50114 50119 50120 50121"""
)

# The timestamp of the signature; the request was not read further.
TIMESTAMP = _codes("50102 50112")

# The request itself is not one that can be carried out.
_WRONG_REQUEST = _codes(
    """50000 50002 50006 50014 50015 50016 50024 50025 50036 50037 50072 50115
    51000 51001 51003 51005 51006 51007 51010 51015 51020 51101 51116 51120 51121 51122 51135
    51136 51137 51138 51150 51175 51176 51201 51202 51203 51204 51217 54036 54072 54084 54085
    54086"""
)
# The account, its funds and positions do not allow it.
_UNFIT_ACCOUNT = _codes(
    """50007 50008 50009 50012 50019 50022 50023 50027 50028 50029 50032 50033 50038 50051
    50052 50053 50059 50060 51004 51008 51009 51023 51024 51025 51102 51103 51105 51106 51107
    51112 51127 51131 51155 51169 51170 51174 51186 59113"""
)
# The instrument does not allow it now.
_UNFIT_INSTRUMENT = _codes("51021 51022 51027 51028 51029 51030 51087")

# The WebSocket itself did not take the operation: not logged in, not an operation that it knows, or
# not with such arguments. Its other codes, such as 60014 and 64007, leave doubt.
SOCKET_REFUSED = _codes("60011 60012 60013 60018 60019 60027 60028")

_TURNED_AWAY = (
    THROTTLED
    | CREDENTIAL
    | TIMESTAMP
    | SOCKET_REFUSED
    | _WRONG_REQUEST
    | _UNFIT_ACCOUNT
    | _UNFIT_INSTRUMENT
)

# The order was checked and turned away; 54004 because of another one in its batch.
PROVES_ABSENCE = _TURNED_AWAY | _codes("54004")

# An order with this id is there already, or was: only looking tells which.
DUPLICATE = _codes("50042 50071 51011 51016")

# There is no order under the id that was asked for. Weak evidence until the order can no longer
# arrive: see verdict.absence_is_proven.
ORDER_ABSENT = "51603"

# A cancel found the order finished, or found none.
CANCEL_FINISHED_OR_ABSENT = _codes("51400 51401 51402")
# A cancel found another cancel under way.
CANCEL_UNDER_WAY = _codes("51410")
# A cancel was turned away for good.
CANCEL_REFUSED = (
    THROTTLED
    | CREDENTIAL
    | TIMESTAMP
    | SOCKET_REFUSED
    | _codes("50000 50002 50006 50014 50015 51000 51001 51003 51403 51407 51408 51409 51413")
)

# An amend found the order finished, or found none; it changed nothing.
AMEND_FINISHED_OR_ABSENT = _codes("51503 51509 51510 51603")
# An amend was turned away, and the order is as it was. Of its own has an amend: nothing to change,
# no funds, a kind of order or a time that allows none, a price that would not be post-only, another
# amend in the same batch, too many under way, a price that is too long, and reduce-only without a
# position or in its direction.
AMEND_REFUSED = _TURNED_AWAY | _codes("51500 51502 51506 51508 51511 51512 51513 51514 51521 51522")
