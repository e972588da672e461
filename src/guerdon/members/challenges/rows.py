"""Progress of accounts as it is stored: what their metrics do not tell."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from typing import NamedTuple

import msgspec

from guerdon.infra.arrays import bigints, columns, instants, integers, texts
from guerdon.infra.tx import Tx
from guerdon.rules.state import Progress

_STATES = msgspec.json.Encoder()
_STATE = msgspec.json.Decoder(Progress)
_SELECT = """
select account_id, challenge, revision, state::text from challenge_progress
where account_id = any(%s::bigint[])
"""
_COLUMNS = (bigints, texts, integers, instants, integers, instants, texts)
_OF = """
unnest(%s::bigint[], %s::text[], %s::integer[], %s::timestamptz[], %s::integer[], %s::timestamptz[],
    %s::text[])
    as w (account_id, challenge, revision, joined_at, times, reached_at, state)
"""
_INSERT = f"""
insert into challenge_progress
    (account_id, challenge, revision, joined_at, times, reached_at, state, program_id)
select w.account_id, w.challenge, w.revision, w.joined_at, w.times, w.reached_at, w.state::jsonb, %s::bigint
from {_OF}
on conflict (account_id, challenge) do nothing
"""  # noqa: S608 - columns of ours
_UPDATE = f"""
update challenge_progress p set revision = w.revision, joined_at = w.joined_at, times = w.times,
    reached_at = w.reached_at, state = w.state::jsonb
from {_OF}
where p.account_id = w.account_id and p.challenge = w.challenge and p.account_id = any(%s::bigint[])
    and p.revision = w.revision - (select s.steps from unnest(%s::bigint[], %s::text[], %s::integer[])
        as s (account_id, challenge, steps) where s.account_id = w.account_id and s.challenge = w.challenge)
"""  # noqa: S608 - columns of ours


class ProgressChange(NamedTuple):
    """How far an account was with a challenge, and is now."""

    account_id: int
    challenge: str
    before: Progress | None
    """None where nothing was known of it."""
    after: Progress


def ask_progress(tx: Tx, account_ids: Collection[int]) -> Callable[[], dict[int, dict[str, Progress]]]:
    """Ask how far accounts are with challenges.

    Args:
        tx: bound to the tenant; the accounts are locked where the answer will be written back.
        account_ids: whose.

    Returns:
        What reads the answer, by account and challenge. In a pipeline it may be called later.
    """
    cursor = tx.execute(_SELECT, (bigints(sorted(account_ids)),))

    def read() -> dict[int, dict[str, Progress]]:
        found: dict[int, dict[str, Progress]] = {}
        for account_id, challenge, revision, state in cursor.fetchall():
            found.setdefault(account_id, {})[challenge] = read_progress(state, revision)
        return found

    return read


def read_progress(state: str, revision: int) -> Progress:
    """Read a row.

    Args:
        state: its column `state`, as text.
        revision: its column.

    Returns:
        The progress.
    """
    return msgspec.structs.replace(_STATE.decode(state), revision=revision)


def write_progress(
    tx: Tx, program_id: int, changes: Sequence[ProgressChange]
) -> tuple[Callable[[], int], int]:
    """Write how far accounts are; each row only where it is as it was found.

    Args:
        tx: bound to the tenant; the accounts are locked.
        program_id: to which the accounts belong.
        changes: what is to stand, each place at most once.

    Returns:
        What tells how many rows were written, once the pipeline is through, and how many had to be.
    """
    new = [one for one in changes if one.before is None]
    old = [one for one in changes if one.before is not None]
    cursors = []
    if new:
        cursors.append(tx.execute(_INSERT, (program_id, *columns([_row(one) for one in new], _COLUMNS))))
    if old:
        ids = bigints(sorted({one.account_id for one in old}))
        steps = [
            (one.account_id, one.challenge, one.after.revision - (one.before.revision if one.before else 0))
            for one in old
        ]
        follows = columns(steps, (bigints, texts, integers))
        cursors.append(tx.execute(_UPDATE, (*columns([_row(one) for one in old], _COLUMNS), ids, *follows)))
    return (lambda: sum(one.rowcount for one in cursors)), len(changes)


def check_progress(written: tuple[Callable[[], int], int]) -> None:
    """Make sure that every row was as it was found.

    Args:
        written: what `write_progress` gave.

    Raises:
        AssertionError: where somebody else wrote in between; the batch is rolled back then.
    """
    if written[0]() != written[1]:
        raise AssertionError("progress of a challenge was not as it was gathered")


def _row(one: ProgressChange) -> tuple[object, ...]:
    after = one.after
    state = _STATES.encode(msgspec.structs.replace(after, revision=0)).decode()
    return (
        one.account_id,
        one.challenge,
        after.revision,
        after.joined_at,
        after.times,
        after.reached_at,
        state,
    )
