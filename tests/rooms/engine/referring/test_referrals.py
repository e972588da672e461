"""Invitations from the code to the prize, and back."""

from __future__ import annotations

from datetime import date

import pytest

from guerdon.base.errors import Problem
from guerdon.engine.commands import EnrolMember
from guerdon.infra.db import Database
from guerdon.members.identities import normal_ref
from guerdon.members.profiles import Profile
from guerdon.rules.coupons.codes import check_letter
from tests.rooms.engine.conftest import TENANT
from tests.rooms.engine.referring.conftest import CLUB, Club, club_on


def test_a_friend_comes_and_both_have_their_prize(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    ben = club.enrol("ben", referral_code=code[:4] + "-" + code[4:].lower())
    assert ben.status == "applied"
    assert (club.points(anna), club.points(ben)) == (0, 50)
    club.buys("ben", "20.00", "o1")
    club.buys("ben", "99.00", "o2", channel="pos")
    assert club.settle() == 0, "too little, and at the wrong place"
    club.buys("ben", "40.00", "o3")
    club.buys("ben", "400.00", "o4")
    assert club.settle() == 1
    assert club.settle() == 0
    assert club.points(anna) == 204
    assert club.points(ben) == 50 + 20 + 99 + 40 + 400
    club.audit()


def test_a_return_takes_the_prize_back_and_another_order_brings_it_again(club: Club) -> None:
    anna = club.enrol("anna")
    club.enrol("ben", referral_code=club.code(anna))
    club.buys("ben", "40.00", "o1")
    assert club.settle() == 1
    club.returns("o1")
    assert club.points(anna) == 204
    assert club.settle() == 1
    assert club.points(anna) == 0
    club.buys("ben", "50.00", "o2")
    assert club.settle() == 1
    assert club.points(anna) == 205
    assert [row[0] for row in club.states()] == ["reversed", "completed"]
    club.audit()


def test_three_friends_reach_the_rung_once(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    for number in range(4):
        club.enrol(f"f{number}", referral_code=code)
        club.buys(f"f{number}", "30.00", f"o{number}")
    assert club.settle() == 4
    assert club.points(anna) == 4 * 203
    assert club.rows("select reward, campaign from redemptions") == [("mug", "referral:from_3")]
    assert club.rows("select badge from badges") == [("host",)]
    assert sorted(row[2] for row in club.states()) == [1, 2, 3, 4]
    club.returns("o0")
    assert club.settle() == 1
    assert club.points(anna) == 3 * 203
    club.audit()


def test_a_rung_goes_back_with_the_friend_that_reached_it(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    for number in range(3):
        club.enrol(f"f{number}", referral_code=code)
        club.buys(f"f{number}", "30.00", f"o{number}")
        club.settle()
    assert club.rows("select status from redemptions") == [("issued",)]
    club.returns("o2")
    club.settle()
    assert club.rows("select status from redemptions") == [("cancelled",)]
    assert club.rows("select badge from badges") == []
    club.enrol("f3", referral_code=code)
    club.buys("f3", "30.00", "o3")
    club.settle()
    assert sorted(club.rows("select status from redemptions")) == [("cancelled",), ("issued",)]
    club.audit()


def test_half_of_an_order_may_be_enough(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    club.enrol("ben", referral_code=code)
    two = [{"id": "1", "price": "40.00"}, {"id": "2", "price": "10.00"}]
    club.ask(club.event("order.paid", "ben", data={"id": "o1", "lines": two}))
    club.settle()
    club.returns("o1", lines=[{"id": "2"}])
    assert club.settle() == 0
    assert club.points(anna) == 205
    data = {"order": "o1", "id": "more", "lines": [{"id": "1"}]}
    club.ask(club.event("order.returned", None, data=data))
    assert club.settle() == 1
    assert club.points(anna) == 0
    club.audit()


def test_a_code_that_is_wrong_leaves_nobody_behind(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    wrong = code[:-1] + ("0" if code[-1] != "0" else "1")
    for typed, expected in (
        (wrong, "referral_code_mistyped"),
        ("hello there", "referral_code_unknown"),
        (unknown_code(code), "referral_code_unknown"),
        ("💥", "referral_code_unknown"),
    ):
        said = club.enrol("ben", referral_code=typed)
        assert said.problem is not None
        assert (said.problem.code, said.problem.errors[0]["pointer"]) == (expected, "/referral_code")
    assert club.rows("select count(*) from members") == [(1,)]
    ben = club.enrol("ben", referral_code=code)
    again = club.enrol("ben", referral_code=code)
    assert (ben.status, again.status) == ("applied", "duplicate")
    own = club.enrol("anna", referral_code=code)
    assert own.status == "duplicate", "one's own code is nothing to a member"
    assert club.rows("select count(*) from referrals") == [(1,)]


def test_who_was_refused_for_a_code_is_no_member_to_the_next_call_either(club: Club) -> None:
    """All of it is in one batch: the account that the first call made is given up."""
    code = club.code(club.enrol("anna"))

    def enrolling(typed: str) -> EnrolMember:
        profile = Profile(identities=(normal_ref("external", "ben"),), external_id="ben", referral_code=typed)
        return EnrolMember(tenant_id=TENANT, program="club", received_at=club.now, profile=profile)

    wrong, none = enrolling(unknown_code(code)), enrolling("")
    said = club.ask(wrong, wrong, wrong)
    assert [one.problem and one.problem.code for one in said] == ["referral_code_unknown"] * 3
    assert club.rows("select count(*) from members") == [(1,)]
    said = club.ask(wrong, none, wrong, none)
    assert [one.status for one in said] == ["rejected", "applied", "duplicate", "duplicate"]
    assert said[1].account == said[2].account == said[3].account
    club.audit()


def unknown_code(code: str) -> str:
    body = ("1" if code[0] != "1" else "2") + code[1:-1]
    return body + check_letter(body)


def test_the_same_person_is_refused(club: Club) -> None:
    anna = club.enrol("anna", email="anna.smith@gmail.com", name="Anna Smith", birthday=date(1990, 5, 5))
    code = club.code(anna)
    club.enrol("one", referral_code=code, email="annasmith+club@gmail.com")
    club.enrol("two", referral_code=code, name="anna  SMITH", birthday=date(1990, 5, 5))
    club.enrol("three", referral_code=code, name="Anna Smith", birthday=date(1991, 5, 5))
    states = club.rows("select state, reasons from referrals order by member_id")
    assert states == [("refused", ["same_person"]), ("refused", ["same_person"]), ("joined", [])]
    for number, name in enumerate(("one", "two", "three")):
        club.buys(name, "50.00", f"o{number}")
    assert club.settle() == 1
    assert club.points(anna) == 205


def test_one_card_one_device_or_one_address_is_held_until_somebody_looks(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    club.buys("anna", "10.00", "mine", card="fp_1", device="d-9", address="12 Elm Street, 02139")
    for name, attributes in (
        ("ben", {"card": "FP_1"}),
        ("carl", {"address": "12 elm  street - 02139"}),
        ("dora", {"card": "fp_2", "device": "d-2"}),
        ("eve", {"device": "d-2"}),
    ):
        club.enrol(name, referral_code=code)
        club.buys(name, "50.00", f"of-{name}", **attributes)
    assert club.settle() == 1
    assert [(row[0], row[1]) for row in club.states()] == [
        ("held", ["same_card"]),
        ("held", ["same_address"]),
        ("completed", []),
        ("held", ["circle"]),
    ]
    assert b"fp_1" not in str(club.rows("select * from referral_completions")).encode()
    club.decide("ben", approve=True)
    club.decide("carl", approve=False)
    assert club.settle() == 1
    assert club.points(anna) == 10 + 2 * 205
    assert [row[0] for row in club.states()] == ["completed", "refused", "completed", "held"]
    acts = club.rows("select action from audit where action like 'referral%' order by audit_id")
    assert acts == [("referral.approved",), ("referral.refused",)]
    with pytest.raises(Problem, match="waits for nobody"):
        club.decide("carl", approve=True)
    club.audit()


def test_who_is_held_at_the_door_comes_in_when_somebody_says_so(database: Database) -> None:
    for club in club_on(database, CLUB + "  review: {same_person: hold}\n"):
        anna = club.enrol("anna", email="anna@example.org")
        twin = club.enrol("twin", referral_code=club.code(anna), email="anna+1@example.org")
        assert club.points(twin) == 0
        club.buys("twin", "50.00", "o1")
        assert club.settle() == 0
        club.decide("twin", approve=True)
        assert club.settle() == 1
        assert club.points(twin) == 100
        club.buys("twin", "50.00", "o2")
        assert club.settle() == 1, "for the same reason nobody is held twice"
        assert club.points(anna) == 205
        club.audit()


def test_nobody_invites_where_nothing_is_said_of_it(database: Database) -> None:
    for club in club_on(
        database,
        CLUB[: CLUB.index("referral:")].replace(
            "  brought: {event: referral.completed}\n", "  n: {event: order.paid}\n"
        ),
    ):
        club.enrol("anna")
        said = club.enrol("ben", referral_code="7K2M9QXA")
        assert said.problem is not None
        assert said.problem.code == "referrals_not_offered"


def test_an_advocate_who_was_erased_gets_nothing_and_nothing_fails(club: Club) -> None:
    anna = club.enrol("anna")
    code = club.code(anna)
    club.enrol("ben", referral_code=code)
    club.buys("ben", "50.00", "o1")
    club.erase(anna)
    assert club.settle() == 0
    assert [(row[0], row[1]) for row in club.states()] == [("refused", ["advocate_gone"])]
    said = club.enrol("carl", referral_code=code)
    assert said.problem is not None
    assert said.problem.code == "referral_code_unknown"
    club.audit()


def test_a_friend_who_had_come_before_their_account_was_merged_brings_the_prize(club: Club) -> None:
    """Between the order and the look at it, the account goes into another friend's."""
    anna, zoe = club.enrol("anna"), club.enrol("zoe")
    ben = club.enrol("ben", referral_code=club.code(anna))
    carl = club.enrol("carl", referral_code=club.code(zoe))
    club.buys("carl", "50.00", "o1")
    club.merge(carl, ben)
    assert club.settle() == 1
    assert (club.points(anna), club.points(zoe)) == (0, 205), "it was Carl who had come"
    dora = club.enrol("dora", referral_code=club.code(anna))
    elsa = club.enrol("elsa", referral_code=club.code(zoe))
    club.buys("elsa", "60.00", "o2")
    club.merge(dora, elsa)
    assert club.settle() == 1
    assert (club.points(anna), club.points(zoe)) == (0, 205 + 206), "Dora's account came later"
    finn = club.enrol("finn", referral_code=club.code(anna))
    club.buys("finn", "70.00", "o3")
    club.merge(finn, anna)
    assert club.settle() == 0, "nobody invites themselves"
    assert club.states()[-1][1][0] == "same_person"
    club.audit()


def test_a_friend_whose_account_was_merged_still_counts_and_a_circle_is_seen(club: Club) -> None:
    anna = club.enrol("anna")
    ben = club.enrol("ben", referral_code=club.code(anna))
    carl = club.enrol("carl", referral_code=club.code(ben))
    club.merge(carl, anna)
    club.buys("carl", "50.00", "o1")
    club.buys("ben", "50.00", "o2")
    club.settle()
    states = club.rows("select state, reasons from referral_completions order by event_id")
    assert states == [("held", ["circle"]), ("held", ["circle"])]
    club.audit()
