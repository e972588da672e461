"""Whatever is changed in the tables of what is played, verify finds it, or unseen.txt says why not."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.rooms.audit.intruder import CHANGES
from tests.web.played.conftest import Played

TABLES = {
    "challenge_progress": "times > 0",
    "deeds": "state = 'approved'",
    "cause_payouts": "true",
    "raffles": "true",
    "raffle_tickets": "prize is not null",
    "quiz_attempts": "true",
    "boards": "true",
    "board_windows": "closed_at is not null",
    "board_rows": "true",
    "board_ranges": "true",
    "board_prizes": "team_id is null",
    "posts": "kind = 'post'",
    "post_photos": "true",
    "post_likes": "true",
    "post_reports": "true",
    "shares": "true",
    "share_visits": "true",
    "share_joins": "true",
    "referral_codes": "true",
    "referrals": "true",
    "referral_completions": "advocate_id is not null",
    "seat_waits": "state = 'seated'",
}
"""Each table of what is played, and which of its rows are damaged."""
KEYS = {
    "challenge_progress": "challenge = challenge || 'x'",
    "deeds": "deed_id = deed_id + 1, receipt = receipt || 'x'",
    "cause_payouts": "number = number + 1",
    "raffles": "identity = identity || 'x'",
    "raffle_tickets": "account_id = account_id + 1",
    "quiz_attempts": "attempt = attempt + 1",
    "boards": "board = board || 'x'",
    "board_windows": "opens_on = opens_on - 31",
    "board_rows": "participant = participant + 1",
    "board_ranges": "from_score = decode(repeat('77',16),'hex')",
    "board_prizes": "times = times + 1",
    "posts": "post_id = post_id + 1, text_hash = sha256(text_hash)",
    "post_photos": "post_id = post_id + 1",
    "post_likes": "member_id = member_id + 1",
    "post_reports": "member_id = member_id + 1",
    "shares": "code = reverse(code), what = what || 'x'",
    "share_visits": "visitor = sha256(visitor), number = number + 1",
    "share_joins": "member_id = member_id + 1",
    "referral_codes": "code = code || 'x', member_id = member_id + 1",
    "referrals": "member_id = member_id + 1",
    "referral_completions": "event_id = gen_random_uuid()",
    "seat_waits": "number = number + 10",
}
"""How a row that should not be there gets another key."""
CHANGES_OF = {
    "challenge_progress.joined_at": "now()",
    "deeds.state": "'refused', told = false",
    "deeds.photo": "'x'",
    "cause_payouts.state": "'closing', paid_at = null",
    "cause_payouts.paid_at": "paid_at + interval '1 second'",
    "raffle_tickets.prize": "prize + 1",
    "raffle_tickets.ticket": "ticket + 1, tickets = tickets + 1",
    "raffles.accounts": "accounts - 1",
    # A question's own time may end before that of the whole try.
    "quiz_attempts.due_at": "due_at + interval '1 hour'",
    "quiz_attempts.opened_at": "finished_at + interval '1 second'",
    "boards.built_to": "0",
    "board_rows.changes_on": "'2026-11-30'",
    "posts.kind": "'question'",
    "posts.share": "share || 'x'",
    "posts.state": "'refused', told = 0",
    "posts.told": "0",
    "posts.liked_turns": "1",
    "post_reports.why": "'spam'",
    "shares.code": "translate(code, '23456789', '34567892')",
    "shares.ended_at": "now()",
    "shares.kind": "'badge'",
    "referrals.state": "'refused', told = false",
    "referrals.decided_at": "now()",
    "referral_completions.state": "'refused', told = false",
    "referral_completions.decided_at": "now()",
    "seat_waits.state": "'left', redemption_id = null",
}
"""What a table's checks allow, or what was nothing before."""
ROWS_OF = {
    "board_prizes.team_id": "team_id is not null",
    "posts.question_id": "kind = 'answer'",
    "posts.share": "kind = 'share'",
}


def damages(played: Played) -> Iterator[tuple[str, str]]:
    """Each damage by its name: `table-` lets a row go, `table+` adds one, `table.column` changes a value."""
    columns: dict[str, dict[str, str]] = {}
    for table, column, kind in played.columns():
        columns.setdefault(table, {})[column] = kind
    mine = f"tenant_id = {played.tenant}"
    for table, where in TABLES.items():
        place = f"ctid = (select ctid from {table} where {where} and {mine} order by ctid limit 1)"  # noqa: S608 - ours
        yield f"{table}-", f"delete from {table} where {place}"  # noqa: S608 - of ours
        keys = dict(part.split(" = ", 1) for part in KEYS[table].split(", "))
        names, values = ", ".join(columns[table]), ", ".join(keys.get(one, one) for one in columns[table])
        yield f"{table}+", f"insert into {table} ({names}) select {values} from {table} where {place}"  # noqa: S608 - ours
        for column, kind in columns[table].items():
            if column == "tenant_id":
                continue
            name = f"{table}.{column}"
            to, rows = CHANGES_OF.get(name, CHANGES[kind].format(column)), ROWS_OF.get(name, where)
            there = f"ctid = (select ctid from {table} where {rows} and {mine} order by ctid limit 1)"  # noqa: S608 - ours
            filled = "" if name in CHANGES_OF else f" and {column} is not null"
            yield name, f"update {table} set {column} = {to} where {there}{filled}"  # noqa: S608 - ours


def unseen() -> dict[str, str]:
    lines = (Path(__file__).parent / "unseen.txt").read_text(encoding="utf-8").splitlines()
    pairs = (line.partition(" # ") for line in lines if line and not line.startswith("#"))
    return {name: reason for name, _, reason in pairs}


@pytest.mark.parametrize(
    "all_of_it",
    [False, pytest.param(True, marks=[pytest.mark.long, pytest.mark.timeout(900)])],
    ids=["gone", "all"],
)
async def test_damage_is_found_or_named(played: Played, all_of_it: bool) -> None:
    count, found = played.after("select 1")
    assert found == []
    excused, missed, wrongly, nothing = unseen(), [], [], []
    names = []
    for name, statement in damages(played):
        names.append(name)
        if not all_of_it and not name.endswith("-"):
            continue
        count, found = played.after(statement)
        if count != 1:
            nothing.append(name)
        elif not found and name not in excused:
            missed.append(name)
        elif found and name in excused:
            wrongly.append(f"{name}: {found[0].detail}")
    assert not nothing, "\n".join(nothing)
    assert not missed, "\n".join(missed)
    assert not wrongly, "\n".join(wrongly)
    assert set(excused) <= set(names), "what is excused is damaged"
    assert all(len(reason) > 8 for reason in excused.values())
