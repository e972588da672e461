"""Staff: the people who run programs, what each role may do, and their passwords."""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import lru_cache
from typing import Any, Final, Literal, get_args

import psycopg
from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from guerdon.base.errors import Problem
from guerdon.base.ids import IdMaker, number_text
from guerdon.infra.tx import Tx
from guerdon.programs.audit import Act, record

Role = Literal["owner", "manager", "support", "auditor"]
Duty = Literal[
    "members:adjust",
    "members:export",
    "members:erase",
    "accounts:merge",
    "orders:return",
    "checkouts:cancel",
    "redemptions:write",
    "coupons:write",
    "gift_cards:write",
    "gift_cards:block",
    "posts:moderate",
    "programs:apply",
    "webhooks:write",
    "jobs:run",
    "keys:write",
    "staff:write",
]
ROLES: Final[tuple[Role, ...]] = get_args(Role)
PASSWORD_LEAST: Final = 10
_PASSWORD_MOST: Final = 200
_EMAIL: Final = re.compile(r"[^\s@]{1,64}@[^\s@]{1,190}")
_NAME_LENGTH: Final = 100
_SALT_BYTES: Final = 16
_MAY: Final[dict[Role, frozenset[str]]] = {
    "owner": frozenset(get_args(Duty)),
    "manager": frozenset(get_args(Duty)) - {"keys:write", "staff:write"},
    "support": frozenset(
        {
            "members:adjust",
            "members:export",
            "orders:return",
            "checkouts:cancel",
            "redemptions:write",
            "gift_cards:block",
            "posts:moderate",
        }
    ),
    "auditor": frozenset(),
}
_LETTERS: Final = "23456789abcdefghjkmnpqrstvwxyz"
_HASHER: Final = PasswordHasher()


@dataclass(frozen=True, slots=True)
class Staff:
    """One of the staff; the password's hash stays in the database."""

    staff_id: int
    email: str
    name: str
    role: Role
    initial: bool
    """Whether the password was given by somebody else and has not been changed yet."""
    created_at: datetime
    ended_at: datetime | None
    language: str = ""
    """In which they want the console; empty where they never said."""

    @property
    def actor(self) -> str:
        """How the audit trail names this person."""
        return f"staff:{self.shown_id}"

    @property
    def shown_id(self) -> str:
        """The id as people see it."""
        return number_text("stf", self.staff_id)

    def may(self, act: str) -> bool:
        """Tell whether this person's role allows something; everybody may read.

        Args:
            act: such as `members:adjust`.

        Returns:
            Whether it is allowed.
        """
        return act in _MAY[self.role]


@dataclass(frozen=True, slots=True)
class NewStaff:
    """Somebody who is to be added."""

    email: str
    name: str
    role: str
    password: str
    actor: str
    """Who adds them."""
    now: datetime


_COLUMNS: Final = "staff_id, email, name, role, initial, created_at, ended_at, language"


def add_staff(tx: Tx, new: NewStaff, ids: IdMaker, random_bytes: Callable[[int], bytes]) -> Staff:
    """Add somebody, whose password was chosen for them.

    Args:
        tx: bound to the tenant, which exists.
        new: who.
        ids: maker of identifiers.
        random_bytes: n → n unguessable bytes, for the hash's salt.

    Returns:
        Their record.

    Raises:
        Problem: `email_invalid`, `staff_name_invalid`, `role_unknown`, `password_weak`, or `staff_exists`
            where somebody active has this e-mail.
    """
    email, role = normal_email(new.email), _role(new.role)
    name = new.name.strip() or email.partition("@")[0]
    if len(name) > _NAME_LENGTH or not name.isprintable():
        raise Problem.at(
            "/name", "staff_name_invalid", f"a name has 1 to {_NAME_LENGTH} printable characters"
        )
    hashed = hash_password(new.password, random_bytes)
    staff_id = ids.number()
    try:
        with tx.transaction():
            tx.execute(
                "insert into staff"
                " (staff_id, email, name, role, password_hash, initial, created_by, created_at)"
                " values (%s, %s, %s, %s, %s, true, %s, %s)",
                (staff_id, email, name, role, hashed, new.actor, new.now),
            )
    except psycopg.errors.UniqueViolation:
        raise Problem.at("/email", "staff_exists", "somebody with this e-mail is there already") from None
    made = Staff(staff_id, email, name, role, True, new.now, None)
    record(tx, Act(new.now, new.actor, "staff.added", made.shown_id, detail={"role": role}), ids)
    return made


def set_language(tx: Tx, staff_id: int, language: str) -> None:
    """Keep the language in which somebody wants the console.

    Args:
        tx: bound to the tenant.
        staff_id: whose.
        language: its tag, such as `bn`.
    """
    tx.execute("update staff set language = %s where staff_id = %s", (language, staff_id))


def list_staff(tx: Tx) -> list[Staff]:
    """List a tenant's staff.

    Args:
        tx: bound to the tenant.

    Returns:
        Everybody, eldest first, those who left included.
    """
    query = f"select {_COLUMNS} from staff order by staff_id"  # noqa: S608 - columns of ours
    return [_staff(row) for row in tx.execute(query)]


def has_staff(tx: Tx) -> bool:
    """Tell whether a tenant has anybody who can sign in.

    Args:
        tx: bound to the tenant.

    Returns:
        Whether somebody is active.
    """
    return tx.execute("select 1 from staff where ended_at is null limit 1").fetchone() is not None


def find_by_email(tx: Tx, email: str) -> tuple[Staff, str] | None:
    """Find somebody who wants to sign in.

    Args:
        tx: bound to the tenant.
        email: as typed.

    Returns:
        Their record and the hash of their password; None where nobody active has this e-mail.
    """
    query = f"select {_COLUMNS}, password_hash from staff where email = %s and ended_at is null"  # noqa: S608 - columns of ours
    row = tx.execute(query, (email.strip().casefold(),)).fetchone()
    return (_staff(row[:-1]), str(row[-1])) if row is not None else None


def get_staff(tx: Tx, staff_id: int) -> Staff:
    """Get one of the staff.

    Args:
        tx: bound to the tenant.
        staff_id: whom.

    Returns:
        Their record, also where they left.

    Raises:
        Problem: `staff_not_found`.
    """
    query = f"select {_COLUMNS} from staff where staff_id = %s"  # noqa: S608 - columns of ours
    row = tx.execute(query, (staff_id,)).fetchone()
    if row is None:
        raise Problem("staff_not_found", "there is nobody with this id")
    return _staff(row)


@dataclass(frozen=True, slots=True)
class StaffChange:
    """What is to change about somebody."""

    staff_id: int
    actor: str
    now: datetime
    role: str | None = None
    """None leaves it."""
    password: str | None = None
    chosen: bool = False
    """Whether they chose the password themselves."""
    ends: bool = False


def change_staff(tx: Tx, change: StaffChange, ids: IdMaker, random_bytes: Callable[[int], bytes]) -> Staff:
    """Change somebody's role or password, or end their access; sessions end unless only the role changes.

    Args:
        tx: bound to the tenant.
        change: what.
        ids: maker of identifiers.
        random_bytes: n → n unguessable bytes, for the hash's salt.

    Returns:
        Their record as it is now.

    Raises:
        Problem: `staff_not_found`, `role_unknown`, `password_weak`, or `last_owner` where nobody else could
            run the staff.
    """
    # One lock for all changes of the tenant's staff, so that two owners cannot remove each other at once.
    tx.execute("select staff_id from staff where ended_at is null order by staff_id for update")
    before = get_staff(tx, change.staff_id)
    role = before.role if change.role is None else _role(change.role)
    if before.ended_at is not None:
        raise Problem("staff_not_found", "this person's access has ended")
    if before.role == "owner" and (change.ends or role != "owner"):
        query = "select 1 from staff where ended_at is null and role = 'owner' and staff_id <> %s limit 1"
        if tx.execute(query, (change.staff_id,)).fetchone() is None:
            raise Problem("last_owner", "somebody must stay the owner: make another one first")
    if role != before.role:
        tx.execute("update staff set role = %s where staff_id = %s", (role, change.staff_id))
        _note(tx, change, "staff.role_changed", ids, {"before": before.role, "after": role})
    if change.password is not None:
        hashed = hash_password(change.password, random_bytes)
        query = "update staff set password_hash = %s, initial = %s where staff_id = %s"
        tx.execute(query, (hashed, not change.chosen, change.staff_id))
        _note(tx, change, "staff.password_changed", ids, {})
    if change.ends:
        tx.execute("update staff set ended_at = %s where staff_id = %s", (change.now, change.staff_id))
        _note(tx, change, "staff.ended", ids, {})
    if change.ends or change.password is not None:
        tx.execute("delete from staff_sessions where staff_id = %s", (change.staff_id,))
    return get_staff(tx, change.staff_id)


def _note(tx: Tx, change: StaffChange, action: str, ids: IdMaker, detail: dict[str, Any]) -> None:
    about = number_text("stf", change.staff_id)
    record(tx, Act(change.now, change.actor, action, about, detail=detail), ids)


def normal_email(text: str) -> str:
    """Bring an e-mail into the form in which it is compared.

    Args:
        text: as typed.

    Returns:
        Trimmed, its case folded.

    Raises:
        Problem: `email_invalid`.
    """
    email = text.strip().casefold()
    if _EMAIL.fullmatch(email) is None or not email.isprintable():
        raise Problem.at(
            "/email", "email_invalid", "expected an e-mail address, such as farhana@shop.example"
        )
    return email


def hash_password(password: str, random_bytes: Callable[[int], bytes]) -> str:
    """Hash a password (argon2id, RFC 9106, the second recommended choice).

    Args:
        password: 10 to 200 characters.
        random_bytes: n → n unguessable bytes.

    Returns:
        The hash in its usual text form, with its parameters and salt.

    Raises:
        Problem: `password_weak`.
    """
    if not PASSWORD_LEAST <= len(password) <= _PASSWORD_MOST:
        detail = f"a password has {PASSWORD_LEAST} to {_PASSWORD_MOST} characters"
        raise Problem.at("/password", "password_weak", detail)
    return _HASHER.hash(password, salt=random_bytes(_SALT_BYTES))


def is_password(hashed: str | None, password: str) -> bool:
    """Tell whether a password is the right one; it takes as long where there is nobody.

    Args:
        hashed: what `hash_password` gave, None where nobody has the name.
        password: as typed.

    Returns:
        Whether it is.
    """
    try:
        _HASHER.verify(hashed or _nobody(), password[: _PASSWORD_MOST + 1])
    except (VerificationError, InvalidHashError):
        return False
    return hashed is not None


@lru_cache(maxsize=1)
def _nobody() -> str:
    return _HASHER.hash("nobody has this password", salt=bytes(_SALT_BYTES))


def make_password(random_bits: Callable[[int], int]) -> str:
    """Make a password that can be read aloud.

    Args:
        random_bits: n → an unguessable integer of n bits.

    Returns:
        Four groups of five letters and digits, about 98 bits.
    """
    letters = [_LETTERS[random_bits(40) % len(_LETTERS)] for _ in range(20)]
    return "-".join("".join(letters[place : place + 5]) for place in range(0, 20, 5))


def _role(text: str) -> Role:
    if text not in ROLES:
        raise Problem.at("/role", "role_unknown", f"a role is one of {', '.join(ROLES)}")
    return text


def _staff(row: Sequence[Any]) -> Staff:
    return Staff(*row)
