"""Posts and shares beside their likes, their answers, their visits, and the events that were told of them."""

from __future__ import annotations

import json
import zlib
from collections.abc import Iterator, Mapping, Sequence
from datetime import datetime
from typing import Any, Final, NamedTuple

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text, parse_number
from guerdon.circles.posts.opinions import Like, list_heard
from guerdon.circles.posts.rows import Post, find_post, page_posts
from guerdon.engine.community.telling import like_name, said_of, turn_name
from guerdon.infra.tx import Tx
from guerdon.rules.own_events import COMMUNITY, SHARING

_PAGE: Final = 500
_EVENTS: Final = """
select k.id, e.member_id, e.occurred_at, e.body
from event_keys k join events e on e.account_id = k.account_id and e.event_id = k.event_id
where k.program_id = %s and k.source = %s and k.id = any(%s::text[])
"""
_LOOSE: Final = """
select e.account_id, e.program_id, e.id, e.type, e.member_id from events e
where e.source = any(%s::text[])
    and e.type in ('post.approved', 'answer.approved', 'post.liked', 'share.approved', 'post.hidden')
order by e.program_id, e.id
"""
_COUNTS: Final = """
select p.program_id, p.post_id, p.account_id, p.likes, p.answers,
    (select count(*) from post_likes l where l.program_id = p.program_id and l.post_id = p.post_id
     and not l.gone),
    (select count(*) from posts a
     where a.program_id = p.program_id and a.question_id = p.post_id and a.state = 'shown')
from posts p order by p.program_id, p.post_id
"""
_SHARES: Final = """
select s.code, s.account_id, s.visits, s.joined,
    (select coalesce(max(v.number), 0) from share_visits v where v.code = s.code),
    (select count(*) from share_joins j where j.program_id = s.program_id and j.code = s.code)
from shares s order by s.code
"""
_THERE: Final = "select from members where member_id = %s and erased_at is null"
_UNREADABLE: Final = (ArithmeticError, LookupError, TypeError, ValueError, AttributeError, zlib.error)


class _Told(NamedTuple):
    """What an event said."""

    member_id: int | None
    occurred_at: datetime
    data: Any
    """None where the body cannot be read: that is found where events are looked at."""


def check_posts(tx: Tx) -> Iterator[Finding]:
    """Hold posts and shares against what was told and counted of them.

    Args:
        tx: as for `verify`.

    Yields:
        What does not hold.
    """
    after = (0, 0)
    while page := page_posts(tx, after, _PAGE):
        for program_id in sorted({program for program, _ in page}):
            posts = [one for program, one in page if program == program_id]
            likes = _likes(tx, program_id, posts)
            told = _told(tx, program_id, posts, likes)
            for one in posts:
                yield from _check(tx, program_id, one, told)
                for like in likes.get(one.post_id, ()):
                    yield from _check_like(tx, one, like, told)
        after = (page[-1][0], page[-1][1].post_id)
    yield from _counts(tx)
    for account_id, program_id, name, kind, member_id in tx.execute(
        _LOOSE, ([COMMUNITY, SHARING],)
    ).fetchall():
        post = _post_of(tx, program_id, name)
        if post is None or post.member_id != member_id or not _is_said(tx, program_id, post, name):
            key = f"{number_text('acc', account_id)} {name}"
            yield Finding("post_missing", "posts", key, f"a post of the event {kind}", "none", account_id)


def _likes(tx: Tx, program_id: int, posts: Sequence[Post]) -> dict[int, list[Like]]:
    found: dict[int, list[Like]] = {}
    for like in list_heard(tx, program_id, [one.post_id for one in posts]):
        found.setdefault(like.post_id, []).append(like)
    return found


def _told(
    tx: Tx, program_id: int, posts: Sequence[Post], likes: Mapping[int, Sequence[Like]]
) -> dict[str, _Told]:
    names = [turn_name(one, turn) for one in posts for turn in range(1, len(one.turns) + 1)]
    names += [name for one in posts for like in likes.get(one.post_id, ()) for name in _names(one, like)]
    found = {}
    for source in (COMMUNITY, SHARING):
        for name, member_id, occurred_at, body in tx.execute(_EVENTS, (program_id, source, names)):
            try:
                data = json.loads(zlib.decompress(body)).get("data")
            except _UNREADABLE:
                data = None
            found[name] = _Told(member_id, occurred_at, data)
    return found


def _names(post: Post, like: Like) -> list[str]:
    return [like_name(post, like, turn) for turn in range(1, len(like.turns(post.turns)) + 1)]


def _is_said(tx: Tx, program_id: int, post: Post, name: str) -> bool:
    """Tell whether an event is one of a post's turns, or of somebody who likes it."""
    if any(name == turn_name(post, turn) for turn in range(1, len(post.turns) + 1)):
        return True
    member = parse_number("mem", f"{name}/".split("/")[1])
    likes = list_heard(tx, program_id, [post.post_id]) if member is not None else []
    return any(name in _names(post, like) for like in likes if like.member_id == member)


def _check_like(tx: Tx, one: Post, like: Like, told: Mapping[str, _Told]) -> Iterator[Finding]:
    """Hold a like against the events that were told of it."""
    turns = like.turns(one.turns)
    if like.since > len(one.turns) or like.told > len(turns):
        key = f"{number_text('acc', one.account_id)} {like_name(one, like, 1)}"
        there, said = f"{len(one.turns)} turns of the post", f"{like.since}, told {like.told}"
        yield Finding("like_event", "post_likes", key, there, said, one.account_id)
    for turn, (name, at) in enumerate(zip(_names(one, like), turns, strict=True), 1):
        event = told.get(name)
        key = f"{number_text('acc', one.account_id)} {name}"
        if event is None:
            if turn <= like.told and _is_there(tx, one):
                yield Finding("like_event", "post_likes", key, "an event", "none", one.account_id)
        elif event.occurred_at != at:
            shown = (str(event.occurred_at), str(at))
            yield Finding("like_event", "post_likes", key, *shown, one.account_id)


def _check(tx: Tx, program_id: int, one: Post, told: Mapping[str, _Told]) -> Iterator[Finding]:
    said = said_of(tx, program_id, one) if one.turns else None
    for turn, at in enumerate(one.turns, 1):
        name = turn_name(one, turn)
        event = told.get(name)
        if event is None:
            # Whoever was erased before the engine was told gets nothing any more.
            if turn <= one.told and said is not None and _is_there(tx, one):
                yield _finding(one, "told", (f"an event {name}", "none"))
            continue
        if event.data is not None and turn % 2 == 1:
            yield from _check_data(one, event.data, said[2] if said is not None else {})
        if event.member_id != one.member_id or event.occurred_at != at:
            wanted = f"{number_text('mem', event.member_id or 0)} at {event.occurred_at}"
            yield _finding(one, "turns", (wanted, f"{number_text('mem', one.member_id)} at {at}"))


def _is_there(tx: Tx, one: Post) -> bool:
    return tx.execute(_THERE, (one.member_id,)).fetchone() is not None


def _check_data(one: Post, data: Any, expected: Mapping[str, Any]) -> Iterator[Finding]:
    # Whoever takes a post back takes its photo along.
    unseen = {"has_photo"} if one.state == "withdrawn" else set()
    found, wanted = (
        {key: value for key, value in each.items() if key not in unseen} for each in (data, expected)
    )
    if found != wanted:
        yield _finding(one, "product", (json.dumps(found), json.dumps(wanted)))


def _counts(tx: Tx) -> Iterator[Finding]:
    for program_id, post_id, account_id, likes, answers, rows, shown in tx.execute(_COUNTS).fetchall():
        key = f"program {program_id} {number_text('post', post_id)}"
        if likes != rows:
            yield Finding("post_count", "posts", f"{key} likes", str(rows), str(likes), account_id)
        if answers != shown:
            yield Finding("post_count", "posts", f"{key} answers", str(shown), str(answers), account_id)
    for code, account_id, visits, joined, most, rows in tx.execute(_SHARES).fetchall():
        if visits < most:
            said = (f"{most} at least", str(visits))
            yield Finding("share_count", "shares", f"{code} visits", *said, account_id)
        if joined != rows:
            yield Finding("share_count", "shares", f"{code} joined", str(rows), str(joined), account_id)


def _post_of(tx: Tx, program_id: int, name: str) -> Post | None:
    number = parse_number("post", name.partition("/")[0])
    return find_post(tx, program_id, number) if number is not None else None


def _finding(one: Post, column: str, values: tuple[str, str]) -> Finding:
    key = f"{number_text('acc', one.account_id)} {one.shown_id} {column}"
    return Finding("post_event", "posts", key, *values, one.account_id)
