"""Where staff are signed in, and how often somebody tried to be."""

from __future__ import annotations

import hashlib
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any, Final

from guerdon.base.ids import number_text, parse_number
from guerdon.infra.tx import Tx
from guerdon.programs.staff import Staff

IDLE: Final = timedelta(hours=2)
"""A session that nobody uses for so long has ended."""
LONGEST: Final = timedelta(hours=12)
"""A session ends after so long, however much it is used."""
WINDOW: Final = timedelta(minutes=15)
"""Attempts are counted for so long."""
_SEEN_EVERY: Final = timedelta(minutes=1)
_PREFIX: Final = "ses"
_SECRET_BYTES: Final = 32
# By name and address together, by address alone, by name alone: the last one keeps many machines from
# guessing one name, and is high enough that nobody is easily locked out by another.
_ATTEMPTS: Final = (5, 30, 100)


@dataclass(frozen=True, slots=True)
class Session:
    """Somebody who is signed in."""

    staff: Staff
    begun_at: datetime
    seen_at: datetime


def begin_session(
    tx: Tx, tenant_id: int, staff_id: int, now: datetime, random_bytes: Callable[[int], bytes]
) -> str:
    """Sign somebody in.

    Args:
        tx: bound to the tenant.
        tenant_id: that tenant, which the token names so that it is looked for there alone.
        staff_id: whom.
        now: when.
        random_bytes: n → n unguessable bytes.

    Returns:
        The token for the cookie; only its hash is stored.
    """
    tx.execute(
        "delete from staff_sessions where begun_at <= %s or seen_at <= %s", (now - LONGEST, now - IDLE)
    )
    token = f"{number_text(_PREFIX, tenant_id)}.{random_bytes(_SECRET_BYTES).hex()}"
    tx.execute(
        "insert into staff_sessions (digest, staff_id, begun_at, seen_at) values (%s, %s, %s, %s)",
        (_digest(token), staff_id, now, now),
    )
    return token


def tenant_of(token: str) -> int | None:
    """Tell in which tenant a token is to be looked for.

    Args:
        token: as the cookie holds it, perhaps forged.

    Returns:
        The tenant's number; None where the text is no token.
    """
    head, dot, secret = token.partition(".")
    if not dot or len(secret) != 2 * _SECRET_BYTES or not secret.isascii():
        return None
    return parse_number(_PREFIX, head) or None


def find_session(tx: Tx, token: str, now: datetime) -> Session | None:
    """Find who holds a token, and note that they were seen.

    Args:
        tx: bound to the tenant that the token names.
        token: as the cookie holds it.
        now: judges its end.

    Returns:
        The session; None where it is unknown, has ended, or the person's access has.
    """
    row = tx.execute(
        "select s.staff_id, s.email, s.name, s.role, s.initial, s.created_at, s.ended_at,"
        " s.language, n.begun_at, n.seen_at"
        " from staff_sessions n join staff s using (staff_id)"
        " where n.digest = %s and s.ended_at is null and n.begun_at > %s and n.seen_at > %s",
        (_digest(token), now - LONGEST, now - IDLE),
    ).fetchone()
    if row is None:
        return None
    session = Session(Staff(*row[:8]), row[8], row[9])
    if session.seen_at <= now - _SEEN_EVERY:
        tx.execute("update staff_sessions set seen_at = %s where digest = %s", (now, _digest(token)))
    return session


def end_session(tx: Tx, token: str) -> None:
    """Sign somebody out.

    Args:
        tx: bound to the tenant that the token names.
        token: as the cookie holds it; an unknown one is no error.
    """
    tx.execute("delete from staff_sessions where digest = %s", (_digest(token),))


def form_token(secret: str) -> str:
    """Derive what each form of a session carries, so that no other site can send it.

    Args:
        secret: the session's token, or the sign-in page's own cookie.

    Returns:
        64 hexadecimal digits that say nothing about the secret.
    """
    return hashlib.sha256(b"form\0" + secret.encode("utf-8", "replace")).hexdigest()


def is_form_token(secret: str, sent: str) -> bool:
    """Tell whether a form was made for this session.

    Args:
        secret: what `form_token` was given.
        sent: what came with the form.

    Returns:
        Whether they belong together; it takes equally long for each wrong text.
    """
    return secrets.compare_digest(form_token(secret).encode(), sent.encode("utf-8", "replace"))


@dataclass(frozen=True, slots=True)
class Attempt:
    """Somebody types a name and a password."""

    email: str
    address: str
    """Where the call came from."""
    at: datetime

    @property
    def subjects(self) -> list[bytes]:
        """What is counted, as hashes: name and address, the address, the name."""
        name = self.email.strip().casefold()
        texts = (f"both\0{name}\0{self.address}", f"address\0{self.address}", f"name\0{name}")
        return [hashlib.sha256(text.encode("utf-8", "replace")).digest() for text in texts]


_COUNT: Final = """
insert into staff_attempts as a (subject, since, tried)
select subject, %(now)s, 1 from unnest(%(subjects)s::bytea[]) as subject order by subject
on conflict (tenant_id, subject) do update set
    since = case when a.since <= %(old)s then excluded.since else a.since end,
    tried = case when a.since <= %(old)s then 1 else a.tried + 1 end
returning subject, since, tried
"""


def count_attempt(tx: Tx, attempt: Attempt) -> int:
    """Count an attempt before the password is looked at, so that many at once count too.

    Args:
        tx: bound to the tenant; to be committed whatever becomes of the attempt.
        attempt: who tries from where.

    Returns:
        How many minutes there are to wait because of too many attempts; 0 where this one may go on.
    """
    found: dict[bytes, tuple[Any, ...]] = {}
    values = {"now": attempt.at, "old": attempt.at - WINDOW, "subjects": attempt.subjects}
    for subject, since, tried in tx.execute(_COUNT, values):
        found[bytes(subject)] = (since, tried)
    tx.execute("delete from staff_attempts where since <= %s", (attempt.at - 4 * WINDOW,))
    waits = [
        found[subject][0] + WINDOW - attempt.at
        for subject, most in zip(attempt.subjects, _ATTEMPTS, strict=True)
        if found[subject][1] > most
    ]
    return max(1, -(-int(max(waits).total_seconds()) // 60)) if waits else 0


def forget_attempts(tx: Tx, attempt: Attempt) -> None:
    """Forget what was counted of a name, and this one attempt of its address, since the right password came.

    Args:
        tx: bound to the tenant.
        attempt: the one that was right.
    """
    both, address, name = attempt.subjects
    tx.execute("delete from staff_attempts where subject = any(%s::bytea[])", ([both, name],))
    # A whole office comes from one address: only wrong attempts are held against it.
    tx.execute("update staff_attempts set tried = greatest(tried - 1, 0) where subject = %s", (address,))


def _digest(token: str) -> bytes:
    # Tokens carry 256 random bits: nothing to guess, so a fast hash is enough.
    return hashlib.sha256(token.encode("utf-8", "replace")).digest()
