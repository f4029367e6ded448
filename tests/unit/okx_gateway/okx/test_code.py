"""Codes as OKX documents them ("Error Code"), sorted by what each proves of one order."""

import pytest

from okx_gateway.okx import code as codes


def _codes(text: str) -> list[str]:
    return text.split()


# The request was turned away before, or by, the matching engine: there is no such order.
TURNED_AWAY = _codes("""
    50000 50002 50006 50007 50008 50009 50011 50012 50014 50015 50016 50019 50022 50023
    50024 50025 50027 50028 50029 50030 50032 50033 50035 50036 50037 50038 50041 50051
    50052 50053 50059 50060 50061 50072 50100 50101 50102 50103 50104 50105 50106 50107
    50108 50109 50110 50111 50112 50113 50114 50115 50119 50120 50121 51000 51001 51003
    51004 51005 51006 51007 51008 51009 51010 51015 51020 51021 51022 51023 51024 51025
    51027 51028 51029 51030 51087 51101 51102 51103 51112 51116 51120 51121 51122 51127
    51131 51137 51138 51150 51155 51169 51170 51174 51201 51202 51203 54036 54072 54084
    54085 54086 59113 54004 60011 60012 60013 60018 60019 60027 60028
""")

# OKX docs: an order amendment or modification failed, or the order does not take one.
NOT_AMENDED = _codes("""
    50011 50036 50037 50061 50113 51000 51001 51004 51005 51006 51008 51020 51121 51150 51500 51502
    51506 51508 51511 51512 51513 51514 51521 51522 60011 60012 60013 60018 60019 60027 60028
""")

# OKX says of these that the request may have succeeded, or they are about a copy of the order.
DOUBTFUL = _codes("""
    0 1 2 50001 50004 50013 50026 50042 50071 51011 51016 51054 51149 51400 51401 51402
    51410 51412 51603 63999 64007 64008 60014 60026 60031
""")


@pytest.mark.parametrize("code", TURNED_AWAY)
def test_a_code_that_turns_an_order_away_proves_its_absence(code: str) -> None:
    assert code in codes.PROVES_ABSENCE


@pytest.mark.parametrize("code", DOUBTFUL)
def test_a_code_that_leaves_doubt_proves_nothing(code: str) -> None:
    assert code not in codes.PROVES_ABSENCE


@pytest.mark.parametrize("code", NOT_AMENDED)
def test_a_code_that_turns_an_amend_away_leaves_the_order_as_it_was(code: str) -> None:
    assert code in codes.AMEND_REFUSED


@pytest.mark.parametrize("code", [*DOUBTFUL, "54004", "51503", "51509", "51510"])
def test_other_codes_do_not_turn_an_amend_away(code: str) -> None:
    assert code not in codes.AMEND_REFUSED


@pytest.mark.parametrize("code", ["", "00", "-1", "99999", "51008 ", "5", "None"])
def test_an_unknown_code_proves_nothing(code: str) -> None:
    assert code not in codes.PROVES_ABSENCE
    assert code not in codes.CANCEL_REFUSED
    assert code not in codes.AMEND_REFUSED


def test_the_meanings_of_a_code_do_not_overlap() -> None:
    assert not codes.DUPLICATE & codes.PROVES_ABSENCE
    assert not codes.THROTTLED & codes.CREDENTIAL
    assert not codes.TIMESTAMP & codes.CREDENTIAL
    of_cancel = (codes.CANCEL_FINISHED_OR_ABSENT, codes.CANCEL_UNDER_WAY, codes.CANCEL_REFUSED)
    assert len(frozenset.union(*of_cancel)) == sum(map(len, of_cancel))
    assert not codes.AMEND_FINISHED_OR_ABSENT & codes.AMEND_REFUSED
    for table in of_cancel:
        assert codes.SUCCESS not in table
        assert codes.ORDER_ABSENT not in table


def test_every_code_is_five_digits() -> None:
    amend = codes.AMEND_REFUSED | codes.AMEND_FINISHED_OR_ABSENT
    for code in codes.PROVES_ABSENCE | codes.CANCEL_REFUSED | codes.DUPLICATE | amend:
        assert len(code) == 5
        assert code.isdigit()


def test_a_request_with_a_stale_timestamp_may_be_told_from_a_bad_key() -> None:
    assert frozenset({"50102", "50112"}) == codes.TIMESTAMP
