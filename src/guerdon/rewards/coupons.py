"""Coupon batches and shared codes: made, found by a code, assigned and revoked."""

from __future__ import annotations

from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from decimal import Decimal
from typing import Any, NamedTuple

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import parse_number
from guerdon.infra.tx import Tx
from guerdon.rules.coupons.codes import KEY_BYTES, Codes, fold, has_right_check
from guerdon.rules.coupons.standing import KnownCode, Terms

_COLUMNS = """batch_id, name, written, prefix, letters, secret, size, reward, terms, starts_at, ends_at,
    created_at, revoked_at"""
_SELECT = f"select {_COLUMNS} from coupon_batches where program_id = %s"  # noqa: S608 - columns of ours
_INSERT = f"""
insert into coupon_batches (program_id, {_COLUMNS})
values (%s, %s, %s, %s, %s, %s, %s, %s, %s, %s::jsonb, %s, %s, %s, %s)
on conflict (program_id, prefix) do nothing returning batch_id
"""  # noqa: S608 - columns of ours
_MARKS = """
select batch_id, place, account_id, revoked_at from coupon_marks
where program_id = %s and batch_id = any(%s::bigint[]) and place = any(%s::bigint[])
"""
_ASSIGN = """
insert into coupon_marks as m (program_id, batch_id, place, account_id, changed_at)
values (%s, %s, %s, %s, %s)
on conflict (program_id, batch_id, place) do update set account_id = excluded.account_id,
    changed_at = excluded.changed_at
where m.revoked_at is null and (m.account_id is null or m.account_id = excluded.account_id)
returning place
"""
_REVOKE = """
insert into coupon_marks as m (program_id, batch_id, place, changed_at, revoked_at)
values (%s, %s, %s, %s, %s)
on conflict (program_id, batch_id, place) do update set changed_at = excluded.changed_at,
    revoked_at = coalesce(m.revoked_at, excluded.revoked_at)
"""
_REVOKE_BATCH = """
update coupon_batches set revoked_at = coalesce(revoked_at, %s) where program_id = %s and batch_id = %s
returning batch_id
"""
_ENCODER = msgspec.json.Encoder()


class Batch(NamedTuple):
    """A batch of codes, or one shared code."""

    batch_id: int
    name: str
    """What people call it."""
    written: str
    """The prefix, or the whole shared code, as people see it."""
    prefix: str
    """The same as it is looked up."""
    letters: int
    """After the prefix; 0 for a shared code."""
    secret: bytes
    size: int
    reward: str
    terms: Terms
    starts_at: datetime | None
    ends_at: datetime | None
    created_at: datetime
    revoked_at: datetime | None

    @property
    def is_shared(self) -> bool:
        """Whether everybody has the same code."""
        return self.letters == 0

    def may_have(self, folded: str) -> bool:
        """Tell whether a code may be of the batch.

        Args:
            folded: the code as it is looked up.

        Returns:
            Whether it begins so; a shared code is the whole of it.
        """
        return folded == self.prefix if self.is_shared else folded.startswith(self.prefix)

    def codes(self, digest: Digest) -> Codes:
        """Give the batch's codes.

        Args:
            digest: the tenant's keyed hash: whoever has the table alone can make no codes.

        Returns:
            What writes and reads them.
        """
        return Codes(digest("coupons", self.secret.hex())[:KEY_BYTES], self.written, self.letters)


Digest = Callable[[str, str], bytes]
"""Kind and value → 32 bytes that only the tenant's key gives (`members.crypto.Vault.digest`)."""
Candidates = Mapping[str, Sequence[Batch]]
"""By folded code: the batches whose prefix it has, the longest first."""


def make_batch(tx: Tx, program_id: int, batch: Batch) -> None:
    """Store a batch.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        batch: the batch; its codes are written nowhere.

    Raises:
        Problem: `coupon_prefix_taken` where another batch or shared code begins so.
    """
    row = batch._replace(terms=_ENCODER.encode(batch.terms).decode())  # type: ignore[arg-type]  # for the table
    if tx.execute(_INSERT, (program_id, *row)).fetchone() is None:
        pointer = "/code" if batch.is_shared else "/prefix"
        detail = f"{batch.written!r} is taken by another batch or shared code of this program"
        raise Problem.at(pointer, "coupon_prefix_taken", detail)


def ask_batches(tx: Tx, program_id: int, codes: Collection[str]) -> Callable[[], Candidates]:
    """Ask for the batches that codes may be of.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        codes: as they were typed.

    Returns:
        What reads the answer. In a pipeline it may be called later.
    """
    folded = {fold(code) for code in codes} - {""}
    prefixes = sorted({code[:length] for code in folded for length in range(1, len(code) + 1)})
    if not prefixes:
        return dict
    cursor = tx.execute(_SELECT + " and prefix = any(%s::text[])", (program_id, prefixes))

    def read() -> Candidates:
        batches = sorted((_batch(row) for row in cursor.fetchall()), key=lambda one: -len(one.prefix))
        found = {code: [one for one in batches if one.may_have(code)] for code in folded}
        return {code: some for code, some in found.items() if some}

    return read


def _batch(row: tuple[Any, ...]) -> Batch:
    batch = Batch(*row)
    return batch._replace(terms=msgspec.convert(batch.terms, Terms, strict=False))


def find_codes(
    tx: Tx, program_id: int, asked: tuple[Collection[str], Candidates], digest: Digest
) -> dict[str, KnownCode]:
    """Find out what codes of batches stand for.

    Args:
        tx: bound to the tenant.
        program_id: of which program.
        asked: codes as they were typed, and the batches that they may be of.
        digest: the tenant's keyed hash.

    Returns:
        By code as typed. One with a wrong letter is among them, with `coupon_mistyped`; one that no batch has
        is not.
    """
    codes, candidates = asked
    if not candidates:
        return {}
    read = {code: _read(fold(code), candidates.get(fold(code), ()), digest) for code in codes}
    places = [(batch.batch_id, place) for batch, place in filter(None, read.values()) if place is not None]
    marks = _marks(tx, program_id, places)
    return {code: _known(*one, marks) for code, one in read.items() if one is not None}


def _read(folded: str, batches: Sequence[Batch], digest: Digest) -> tuple[Batch, int | None] | None:
    """Find a code's batch and number; no number where it can only be mistyped."""
    mistyped = None
    for batch in batches:
        if batch.is_shared:
            return batch, 0
        if len(folded) != len(batch.prefix) + batch.letters or not has_right_check(folded):
            mistyped = mistyped or (batch, None)
            continue
        place = batch.codes(digest).decode(folded, batch.size)
        if place is not None:
            return batch, place
    return mistyped


Marks = Mapping[tuple[int, int], tuple[int | None, datetime | None]]


def _marks(tx: Tx, program_id: int, places: Sequence[tuple[int, int]]) -> Marks:
    if not places:
        return {}
    batches, numbers = sorted({one for one, _ in places}), sorted({one for _, one in places})
    rows = tx.execute(_MARKS, (program_id, batches, numbers)).fetchall()
    return {(batch_id, place): (account_id, revoked_at) for batch_id, place, account_id, revoked_at in rows}


def _known(batch: Batch, place: int | None, marks: Marks) -> KnownCode:
    account_id, revoked_at = marks.get((batch.batch_id, place or 0), (None, None))
    problem = "coupon_mistyped" if place is None else ""
    if not problem and (batch.revoked_at is not None or revoked_at is not None):
        problem = "coupon_revoked"
    return KnownCode(
        batch_id=batch.batch_id,
        place=place or 0,
        reward=batch.reward,
        terms=batch.terms,
        problem=problem,
        starts_at=batch.starts_at,
        ends_at=batch.ends_at,
        account_id=account_id,
    )


def assign_code(tx: Tx, program_id: int, code: KnownCode, account_id: int, now: datetime) -> None:
    """Give a code to one account, which alone can use it from then on.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        code: of a batch.
        account_id: whose it is to be.
        now: when.

    Raises:
        Problem: `coupon_shared`, `coupon_of_another_member` or `coupon_revoked`.
    """
    if code.terms.uses is None and code.terms.money is None:
        raise Problem("coupon_shared", "a code that everybody shares cannot be one member's")
    row = tx.execute(_ASSIGN, (program_id, code.batch_id, code.place, account_id, now)).fetchone()
    if row is None:
        detail = "this code is another member's, or was revoked"
        raise Problem("coupon_of_another_member", detail)


def revoke_code(tx: Tx, program_id: int, code: KnownCode, now: datetime) -> None:
    """Make a code good no more; what open carts hold of it is honoured.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        code: which; one that is revoked already stays so.
        now: when.
    """
    tx.execute(_REVOKE, (program_id, code.batch_id, code.place, now, now))


def revoke_batch(tx: Tx, program_id: int, batch_id: int, now: datetime) -> None:
    """Make all codes of a batch good no more; what open carts hold of them is honoured.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        batch_id: which; one that is revoked already stays so.
        now: when.

    Raises:
        Problem: `batch_not_found`.
    """
    if tx.execute(_REVOKE_BATCH, (now, program_id, batch_id)).fetchone() is None:
        raise Problem("batch_not_found", "there is no such batch of codes")


def get_batch(tx: Tx, program_id: int, batch_id: int) -> Batch:
    """Get one batch.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        batch_id: which.

    Returns:
        The batch.

    Raises:
        Problem: `batch_not_found`.
    """
    row = tx.execute(_SELECT + " and batch_id = %s", (program_id, batch_id)).fetchone()
    if row is None:
        raise Problem("batch_not_found", "there is no such batch of codes")
    return _batch(row)


def list_batches(tx: Tx, program_id: int, before: int | None, limit: int) -> list[Batch]:
    """Give a page of batches and shared codes, newest first.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        before: only those with a smaller number; None for the first page.
        limit: how many at most.

    Returns:
        Batches.
    """
    statement = _SELECT + " and batch_id < %s order by batch_id desc limit %s"
    return [_batch(row) for row in tx.execute(statement, (program_id, before or 2**63 - 1, limit))]


def find_bound(tx: Tx, program_id: int, counter: str) -> Decimal | None:
    """Tell how much can be drawn from a counter of codes.

    Args:
        tx: bound to the tenant.
        program_id: whose.
        counter: its key.

    Returns:
        Its bound, None where it is no counter of codes or their batch is not there.
    """
    kind, _, rest = counter.partition("/")
    named, _, what = rest.partition("/")
    batch_id = parse_number("cpb", named) if kind == "coupon" else None
    if batch_id is None:
        return None
    row = tx.execute(_SELECT + " and batch_id = %s", (program_id, batch_id)).fetchone()
    terms = _batch(row).terms if row is not None else Terms(uses=None)
    counted, _, period = what.partition("/")
    if counted in ("code", "money"):
        own = terms.uses if counted == "code" else terms.money
        return None if own is None else Decimal(own)
    of = "per_store" if counted.startswith("store:") else counted
    per = "all_time" if period == "ever" else period.partition(":")[0]
    bounds = [Decimal(one.at_most) for one in terms.counted if (one.of, one.per) == (of, per)]
    return bounds[0] if bounds else None
