"""Staff and their sessions, on a real PostgreSQL."""

from __future__ import annotations

import itertools
import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker
from guerdon.infra.db import Database
from guerdon.infra.tx import Tx
from guerdon.programs.audit import list_acts
from guerdon.programs.sessions import (
    IDLE,
    LONGEST,
    WINDOW,
    Attempt,
    begin_session,
    count_attempt,
    end_session,
    find_session,
    forget_attempts,
    form_token,
    is_form_token,
    tenant_of,
)
from guerdon.programs.staff import (
    NewStaff,
    Staff,
    StaffChange,
    add_staff,
    change_staff,
    find_by_email,
    has_staff,
    hash_password,
    is_password,
    list_staff,
    make_password,
)
from guerdon.programs.tenants import ensure_tenant, tenant_id_of

NOW = datetime(2026, 11, 21, 12, tzinfo=UTC)
RANDOM = random.Random(7)
CLOCK = itertools.count(1_760_000_000_000)
IDS = IdMaker(lambda: next(CLOCK), RANDOM.getrandbits)
TENANT = tenant_id_of("shop")
PASSWORD = "four words do well"


@pytest.fixture
def tx(database: Database) -> Iterator[Tx]:
    with database.transaction(TENANT) as made:
        ensure_tenant(made, "shop", "Shop", sandbox=False, now=NOW)
        yield made


def added(tx: Tx, email: str = "Farhana@Shop.example ", role: str = "owner", **more: Any) -> Staff:
    new = NewStaff(email, more.get("name", ""), role, more.get("password", PASSWORD), "system", NOW)
    return add_staff(tx, new, IDS, RANDOM.randbytes)


def test_somebody_is_found_by_e_mail_in_any_case_and_the_password_is_kept_as_argon2id(tx: Tx) -> None:
    assert not has_staff(tx)
    made = added(tx)
    assert has_staff(tx)
    found = find_by_email(tx, "FARHANA@shop.EXAMPLE")
    assert found is not None
    assert found[0] == made
    assert made.email == "farhana@shop.example"
    assert made.name == "farhana"
    assert found[1].startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert is_password(found[1], PASSWORD)
    assert not is_password(found[1], PASSWORD + " ")
    assert not is_password(None, "nobody has this password")


@pytest.mark.parametrize(
    ("change", "code"),
    [
        ({"email": "nobody"}, "email_invalid"),
        ({"role": "king"}, "role_unknown"),
        ({"password": "short"}, "password_weak"),
        ({"password": "x" * 201}, "password_weak"),
        ({"name": "a\nb"}, "staff_name_invalid"),
    ],
)
def test_what_is_wrong_about_new_staff_is_said(tx: Tx, change: dict[str, str], code: str) -> None:
    with pytest.raises(Problem) as refused:
        added(tx, **change)
    assert refused.value.code == code
    assert not has_staff(tx)


def test_an_e_mail_is_one_person_until_their_access_ends(tx: Tx) -> None:
    first = added(tx)
    with pytest.raises(Problem) as refused:
        added(tx, "farhana@shop.example")
    assert refused.value.code == "staff_exists"
    added(tx, "rita@shop.example")
    change_staff(tx, StaffChange(first.staff_id, "system", NOW, ends=True), IDS, RANDOM.randbytes)
    again = added(tx, role="auditor")
    assert again.staff_id != first.staff_id
    assert [one.ended_at is None for one in list_staff(tx)] == [False, True, True]


def test_the_last_owner_stays(tx: Tx) -> None:
    owner = added(tx)
    for change in ({"ends": True}, {"role": "manager"}):
        with pytest.raises(Problem) as refused:
            change_staff(tx, StaffChange(owner.staff_id, "system", NOW, **change), IDS, RANDOM.randbytes)
        assert refused.value.code == "last_owner"
    added(tx, "rita@shop.example")
    changed = change_staff(
        tx, StaffChange(owner.staff_id, "system", NOW, role="support"), IDS, RANDOM.randbytes
    )
    assert changed.role == "support"
    assert [one.act.action for one in list_acts(tx, about=owner.shown_id)] == [
        "staff.role_changed",
        "staff.added",
    ]


def test_roles_may_what_their_names_say(tx: Tx) -> None:
    duties = ("members:adjust", "programs:apply", "keys:write", "staff:write")
    staff = [added(tx, f"{role}@shop.example", role) for role in ("owner", "manager", "support", "auditor")]
    may = {one.role: [duty for duty in duties if one.may(duty)] for one in staff}
    assert may == {
        "owner": list(duties),
        "manager": ["members:adjust", "programs:apply"],
        "support": ["members:adjust"],
        "auditor": [],
    }


def test_a_session_ends_when_it_is_idle_when_it_is_old_and_when_somebody_leaves(tx: Tx) -> None:
    staff = added(tx)
    token = begin_session(tx, TENANT, staff.staff_id, NOW, RANDOM.randbytes)
    assert tenant_of(token) == TENANT
    found = find_session(tx, token, NOW)
    assert found is not None
    assert found.staff == staff
    assert find_session(tx, token[:-1] + ("0" if token[-1] != "0" else "1"), NOW) is None
    assert find_session(tx, token, NOW + IDLE) is None
    at = NOW
    while at + IDLE / 2 < NOW + LONGEST:
        at += IDLE / 2
        assert find_session(tx, token, at) is not None
    assert find_session(tx, token, NOW + LONGEST) is None
    end_session(tx, token)
    assert find_session(tx, token, NOW) is None
    other = begin_session(tx, TENANT, staff.staff_id, NOW, RANDOM.randbytes)
    change_staff(
        tx, StaffChange(staff.staff_id, "system", NOW, password="another one of four"), IDS, RANDOM.randbytes
    )
    assert find_session(tx, other, NOW) is None


def test_what_the_cookie_holds_is_stored_nowhere(tx: Tx) -> None:
    token = begin_session(tx, TENANT, added(tx).staff_id, NOW, RANDOM.randbytes)
    row = tx.execute("select digest from staff_sessions").fetchone()
    assert row is not None
    assert bytes.fromhex(token.partition(".")[2]) != bytes(row[0])
    assert token.encode() not in bytes(row[0])


def test_another_tenant_sees_neither_staff_nor_sessions(database: Database, tx: Tx) -> None:
    staff = added(tx)
    token = begin_session(tx, TENANT, staff.staff_id, NOW, RANDOM.randbytes)
    tx.commit()
    other = tenant_id_of("other")
    with database.transaction(other) as theirs:
        assert list_staff(theirs) == []
        assert find_session(theirs, token, NOW) is None
        assert find_by_email(theirs, staff.email) is None


@pytest.mark.parametrize("text", ["", ".", "ses_0000000000000." + "a" * 64, "ses_xyz", "x" * 300, "ses_1.é"])
def test_what_is_no_token_leads_to_no_tenant(text: str) -> None:
    assert tenant_of(text) is None


def test_attempts_are_counted_by_name_and_address_and_forgotten_after_a_while(tx: Tx) -> None:
    def tried(email: str, address: str, at: datetime) -> int:
        return count_attempt(tx, Attempt(email, address, at))

    assert [tried("a@b.c", "10.0.0.1", NOW) for _ in range(6)] == [0, 0, 0, 0, 0, 15]
    assert tried("A@B.C ", "10.0.0.1", NOW + timedelta(minutes=5)) == 10
    assert tried("a@b.c", "10.0.0.2", NOW) == 0
    assert tried("other@b.c", "10.0.0.1", NOW) == 0
    assert tried("a@b.c", "10.0.0.1", NOW + WINDOW) == 0
    forget_attempts(tx, Attempt("a@b.c", "10.0.0.1", NOW + WINDOW))
    assert [tried("a@b.c", "10.0.0.1", NOW + WINDOW) for _ in range(5)] == [0] * 5


def test_one_address_cannot_go_through_many_names(tx: Tx) -> None:
    waits = [count_attempt(tx, Attempt(f"p{number}@b.c", "10.0.0.9", NOW)) for number in range(31)]
    assert waits == [0] * 30 + [15]


def test_a_form_belongs_to_its_session() -> None:
    assert is_form_token("secret", form_token("secret"))
    assert not is_form_token("secret", form_token("other"))
    assert not is_form_token("secret", "")
    assert not is_form_token("secret", "é")
    assert "secret" not in form_token("secret")


def test_a_made_password_is_long_and_never_the_same() -> None:
    made = {make_password(RANDOM.getrandbits) for _ in range(50)}
    assert len(made) == 50
    assert all(len(one) == 23 and one.count("-") == 3 for one in made)


def test_two_hashes_of_one_password_differ() -> None:
    assert hash_password(PASSWORD, RANDOM.randbytes) != hash_password(PASSWORD, RANDOM.randbytes)
