"""Rows that name somebody, and those that hang on another row: whether there is whom and what they name."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.circles.codes import could_be
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.rules.compiling.boards import GOAL
from guerdon.rules.own_events import SHARING

# Accounts are those for which something was done then: a member may have moved to another one since.
_NOBODY: Final = """
select t.account_id, t.member_id, {key} from {table} t
where not exists (
    select from members m where m.program_id = t.program_id and m.member_id = t.member_id
        and (m.account_id = t.account_id or exists (
            select from member_moves v where v.member_id = t.member_id and v.account_id = t.account_id)))
order by 1, 2
"""
_KEYS: Final = {
    "posts": "t.post_id::text",
    "post_likes": "t.post_id::text",
    "post_reports": "t.post_id::text",
    "shares": "t.code",
    "share_joins": "t.code",
    "referral_codes": "t.code",
    "referrals": "t.code",
    "quiz_attempts": "t.quiz || ' ' || t.attempt",
}
"""Tables with an account and a member in each row, and what else names a row."""
_ADVOCATES: Final = """
select r.account_id, r.member_id, r.code from referrals r
where not exists (
    select from referral_codes c
    where c.program_id = r.program_id and c.code = r.code and c.member_id = r.advocate_id)
    and not exists (
        select from members m where m.member_id = r.advocate_id and m.erased_at is not null)
union all select r.account_id, r.member_id, r.code from referrals r
where not exists (
    select from members m where m.program_id = r.program_id and m.member_id = r.advocate_id
        and (m.account_id = r.advocate_account or exists (
            select from member_moves v
            where v.member_id = r.advocate_id and v.account_id = r.advocate_account)))
order by 1, 2
"""
_CODES: Final = """
select c.program_id, c.account_id, c.member_id, c.code from referral_codes c order by 1, 3
"""
_BARE: Final = """
select w.board, w.opens_on, 'boards', 'a board' from board_windows w
where w.closed_at is null and not exists (
    select from boards b where b.program_id = w.program_id and b.board = w.board)
union all select r.board, r.opens_on, 'board_windows', 'a window' from board_rows r where not exists (
    select from board_windows w
    where w.program_id = r.program_id and w.board = r.board and w.opens_on = r.opens_on)
union all select w.board, w.opens_on, 'board_ranges', 'a first range' from board_windows w where not exists (
    select from board_ranges g where g.program_id = w.program_id and g.board = w.board
        and g.opens_on = w.opens_on and g.from_score = decode(repeat('00', 16), 'hex'))
union all select p.board, p.opens_on, 'board_windows', 'closed at ' || p.closed_at from board_prizes p
join board_windows w on w.program_id = p.program_id and w.board = p.board and w.opens_on = p.opens_on
where w.closed_at is distinct from p.closed_at and p.board not like %s
"""
_PHOTOS: Final = """
select p.account_id, p.post_id, p.has_photo from posts p
where p.has_photo is distinct from exists (
    select from post_photos f where f.program_id = p.program_id and f.post_id = p.post_id)
union all select 0, f.post_id, false from post_photos f
where not exists (select from posts p where p.program_id = f.program_id and p.post_id = f.post_id)
union all select r.account_id, r.post_id, null from post_reports r
where not exists (select from posts p where p.program_id = r.program_id and p.post_id = r.post_id)
"""
# What was told of a visit stays, though its row goes some days later; told is only what a campaign asks for.
_VISITS: Final = """
select s.account_id, s.code, s.visits, greatest(
    (select coalesce(max(v.number), 0) from share_visits v where v.code = s.code),
    (select coalesce(max(split_part(k.id, '/', 3)::bigint), 0) from event_keys k
     where k.program_id = s.program_id and k.source = %s and k.id like s.code || '/visit/%%'))
from shares s
join members m on m.member_id = s.member_id and m.erased_at is null
order by 2
"""
_TWICE: Final = """
select program_id, reward, redemption_id, count(*) from seat_waits where redemption_id is not null
group by 1, 2, 3 having count(*) > 1
"""


def check_people_named(tx: Tx, vault: Vault) -> Iterator[Finding]:
    """Look for members, boards, windows and posts that rows of what is played name.

    Args:
        tx: as for `verify`.
        vault: the tenant's keys, by which codes are made.

    Yields:
        What does not hold.
    """
    for table, key in _KEYS.items():
        for account_id, member_id, name in tx.execute(_NOBODY.format(table=table, key=key).encode()):
            shown = f"{number_text('acc', account_id)} {name} member_id"
            yield Finding("nobody", table, shown, "a member", number_text("mem", member_id), account_id)
    for account_id, _, code in tx.execute(_ADVOCATES):
        name = f"{number_text('acc', account_id)} {code} advocate_id"
        yield Finding("advocate_unknown", "referrals", name, "whose code it is", "somebody else", account_id)
    for program_id, account_id, member_id, code in tx.execute(_CODES):
        if not could_be(vault, (program_id, member_id), code):
            name = f"{number_text('acc', account_id)} {code}"
            shown = number_text("mem", member_id)
            yield Finding("code_wrong", "referral_codes", name, f"a code of {shown}", code, account_id)
    yield from _check_bare(tx)


def _check_bare(tx: Tx) -> Iterator[Finding]:
    for board, opens_on, table, wanted in tx.execute(_BARE, (f"{GOAL}%",)):
        yield Finding("board_part", table, f"{board} {opens_on}", wanted, "none")
    for account_id, post_id, has_photo in tx.execute(_PHOTOS):
        name = f"{number_text('acc', account_id)} {number_text('post', post_id)}"
        if has_photo is None:
            yield Finding("report_stray", "post_reports", name, "a post", "none", account_id)
        else:
            said = ("a photo", "none") if has_photo else ("none", "a photo")
            yield Finding("photo_missing", "post_photos", name, *said, account_id)
    for account_id, code, visits, most in tx.execute(_VISITS, (SHARING,)):
        if visits < most:
            said = (f"{most} at least", str(visits))
            yield Finding("share_count", "shares", f"{code} visits", *said, account_id)
    for program_id, reward, redemption_id, times in tx.execute(_TWICE):
        name = f"{number_text('prg', program_id)} {reward} {number_text('red', redemption_id)}"
        yield Finding("seat_twice", "seat_waits", name, "one who waited", str(times))
