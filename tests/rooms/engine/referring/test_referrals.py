"""Invitations from the code to the prize, and back."""

from __future__ import annotations

from tests.rooms.engine.referring.conftest import Club


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
    club.verify()


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
    club.verify()
