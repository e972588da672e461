"""Anchors as they are stored: which head goes where, and how far that has come."""

from __future__ import annotations

from datetime import datetime, timedelta
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.connect.chain.signing import Sent, Wish
from guerdon.infra.tx import Tx
from guerdon.ledger.log import find_last_signed, root_at
from guerdon.programs.programs import list_programs

_FAULT_LETTERS: Final = 300
_COLUMNS: Final = """
a.program_id, a.place, a.size, a.root, a.state, a.asked_at, a.sender, a.nonce, a.fee, a.tip, a.sent, a.raw,
    a.sent_at, a.times_sent, a.times_lost, a.block_number, a.block_hash, a.stamped_at, a.final_at, a.token,
    a.fault, a.failed_at
"""
_SELECT: Final = f"select {_COLUMNS} from anchors a "  # noqa: S608 - a list of columns of ours
WITH_HEADS: Final = f"""
select {_COLUMNS}, c.note from anchors a
left join log_checkpoints c on c.program_id = a.program_id and c.size = a.size
order by a.program_id, a.place, a.size
"""  # noqa: S608 - a list of columns of ours
_OPEN = _SELECT + "where place = %s and state not in ('final', 'passed') order by program_id, size"
_LAST = _SELECT + "where program_id = %s and place = %s order by size desc limit 1"
_LIST = _SELECT + "where program_id = %s and (size, place) < (%s, %s) order by size desc, place desc limit %s"
_ALL = _SELECT + "where program_id = %s and place = %s order by size"
_ASK = """
insert into anchors (program_id, place, size, root, state, asked_at) values (%s, %s, %s, %s, 'asked', %s)
on conflict do nothing
"""
_SENT = """
update anchors set state = 'sent', sender = %s, nonce = %s, fee = %s, tip = %s, raw = %s,
    sent = sent || %s::bytea, sent_at = %s, times_sent = times_sent + 1, fault = '', failed_at = null
where program_id = %s and place = %s and size = %s and state in ('asked', 'sent', 'lost')
"""
_SENT_AGAIN = """
update anchors set state = 'sent', times_sent = times_sent + 1
where program_id = %s and place = %s and size = %s and state in ('sent', 'lost')
"""
_MINED = """
update anchors set state = %s, block_number = %s, block_hash = %s, stamped_at = %s, final_at = %s, fault = '',
    failed_at = null
where program_id = %s and place = %s and size = %s and state <> 'final'
"""
_STAMPED = """
update anchors set state = 'final', token = %s, stamped_at = %s, final_at = %s, times_sent = times_sent + 1,
    fault = '', failed_at = null
where program_id = %s and place = %s and size = %s and state = 'asked'
"""
_LOST = """
update anchors set state = 'lost', times_lost = times_lost + 1, block_number = null, block_hash = null,
    stamped_at = null
where program_id = %s and place = %s and size = %s and state in ('sent', 'mined')
"""
_PASSED = """
update anchors set state = 'passed' where program_id = %s and place = %s and size = %s and state <> 'final'
"""
_FAULT = """
update anchors set fault = %s, failed_at = %s
where program_id = %s and place = %s and size = %s and state <> 'final'
"""


class Anchor(NamedTuple):
    """A head that is told to one place."""

    program_id: int
    place: str
    """A contract as `eip155:1:0x…`, or an authority as `rfc3161:host/path`."""
    size: int
    root: bytes
    state: str
    """`asked`, `sent`, `mined`, `final`, `lost` (no longer on the chain), or `passed` by a later one."""
    asked_at: datetime
    sender: bytes | None
    nonce: int | None
    fee: int | None
    tip: int | None
    sent: list[bytes]
    """Hashes of all transactions that said it, the present one last."""
    raw: bytes | None
    """The present one, signed: after a restart the very same is sent again."""
    sent_at: datetime | None
    """When that one was signed."""
    times_sent: int
    times_lost: int
    block_number: int | None
    block_hash: bytes | None
    stamped_at: datetime | None
    """What block or token say of the time."""
    final_at: datetime | None
    token: bytes | None
    """What the authority signed (RFC 3161)."""
    fault: str
    """What last went wrong with it; empty where nothing does."""
    failed_at: datetime | None

    @property
    def key(self) -> tuple[int, str, int]:
        """What it is stored under."""
        return self.program_id, self.place, self.size


class Waiting(NamedTuple):
    """An anchor that is not final, and whose it is."""

    tenant_id: int
    origin: str
    """Names the log."""
    anchor: Anchor


class Mined(NamedTuple):
    """Where an anchor stands on its chain."""

    block_number: int
    block_hash: bytes
    at: datetime


def ask_due(tx: Tx, place: str, every: timedelta, now: datetime) -> int:
    """Ask for the newest signed head of each log that is due, where none is on its way.

    Args:
        tx: bound to the tenant.
        place: where it shall be told.
        every: between two anchors of a log.
        now: the instant.

    Returns:
        How many were asked for.
    """
    asked = 0
    for program in list_programs(tx):
        signed = find_last_signed(tx, program.program_id)
        last = find_last(tx, program.program_id, place)
        if signed is None or signed.size == 0:
            continue
        if last is not None and (last.size >= signed.size or now - last.asked_at < every):
            continue
        root = root_at(tx, program.program_id, signed.size)
        asked += tx.execute(_ASK, (program.program_id, place, signed.size, root, now)).rowcount
    return asked


def ask_now(tx: Tx, program_id: int, place: str, now: datetime) -> Anchor | None:
    """Ask for the newest signed head of a log at once, unless one is on its way or it was told already.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        place: where it shall be told.
        now: the instant.

    Returns:
        The anchor that stands for it now: the new one, the one on its way, or the one that covers it; None
        where nothing is in the log yet.
    """
    signed = find_last_signed(tx, program_id)
    last = find_last(tx, program_id, place)
    if signed is not None and signed.size and (last is None or last.size < signed.size):
        root = root_at(tx, program_id, signed.size)
        tx.execute(_ASK, (program_id, place, signed.size, root, now))
    return find_last(tx, program_id, place)


def list_open(tx: Tx, place: str) -> list[Anchor]:
    """List the anchors that are not told for good.

    Args:
        tx: bound to the tenant.
        place: where they go.

    Returns:
        At most one for each log.
    """
    return [Anchor(*row) for row in tx.execute(_OPEN, (place,))]


def find_last(tx: Tx, program_id: int, place: str) -> Anchor | None:
    """Find the newest anchor of a log.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        place: where it goes.

    Returns:
        The anchor, None where there is none.
    """
    row = tx.execute(_LAST, (program_id, place)).fetchone()
    return None if row is None else Anchor(*row)


def list_anchors(tx: Tx, program_id: int, before: tuple[int, str], limit: int) -> list[Anchor]:
    """List anchors of a log, the greatest first.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        before: size and place that they come before.
        limit: most of them.

    Returns:
        The anchors.
    """
    return [Anchor(*row) for row in tx.execute(_LIST, (program_id, *before, limit))]


def list_all(tx: Tx, program_id: int, place: str) -> list[Anchor]:
    """List all anchors of a log at one place.

    Args:
        tx: bound to the tenant.
        program_id: whose log.
        place: where they went.

    Returns:
        The anchors, the smallest first.
    """
    return [Anchor(*row) for row in tx.execute(_ALL, (program_id, place))]


def note_sent(tx: Tx, anchor: Anchor, wish: Wish, sent: Sent, by: tuple[bytes, datetime]) -> bool:
    """Note a transaction that is about to be sent.

    Args:
        tx: bound to the tenant.
        anchor: what it says.
        wish: as it was signed.
        sent: it.
        by: who signed, and when.

    Returns:
        Whether the anchor still waited for that.
    """
    sender, now = by
    said = (sender, wish.nonce, wish.fee, wish.tip, sent.raw, sent.hash, now, *anchor.key)
    return tx.execute(_SENT, said).rowcount == 1


def note_sent_again(tx: Tx, anchor: Anchor) -> None:
    """Note that the same transaction is sent once more.

    Args:
        tx: bound to the tenant.
        anchor: what it says.
    """
    tx.execute(_SENT_AGAIN, anchor.key)


def note_mined(tx: Tx, anchor: Anchor, mined: Mined, final_at: datetime | None) -> None:
    """Note that an anchor is on its chain.

    Args:
        tx: bound to the tenant.
        anchor: which.
        mined: where it stands.
        final_at: when that was seen to be for good; None where it is not yet.
    """
    state = "mined" if final_at is None else "final"
    tx.execute(_MINED, (state, *mined, final_at, *anchor.key))


def note_stamped(tx: Tx, anchor: Anchor, token: bytes, at: datetime, now: datetime) -> None:
    """Note what an authority signed.

    Args:
        tx: bound to the tenant.
        anchor: which.
        token: what it signed.
        at: the time that it says.
        now: when it came.
    """
    tx.execute(_STAMPED, (token, at, now, *anchor.key))


def note_lost(tx: Tx, anchor: Anchor) -> None:
    """Note that an anchor is no longer on its chain, or that its transaction never can be.

    Args:
        tx: bound to the tenant.
        anchor: which.
    """
    tx.execute(_LOST, anchor.key)


def note_passed(tx: Tx, anchor: Anchor) -> None:
    """Note that a larger head was anchored, so that this one never can be and need not be.

    Args:
        tx: bound to the tenant.
        anchor: which.
    """
    tx.execute(_PASSED, anchor.key)


def note_fault(tx: Tx, anchor: Anchor, problem: Problem, now: datetime) -> None:
    """Note what went wrong with an anchor.

    Args:
        tx: bound to the tenant.
        anchor: which.
        problem: what.
        now: when.
    """
    said = f"{problem.code}: {problem.detail}"[:_FAULT_LETTERS]
    tx.execute(_FAULT, (said, now, *anchor.key))
