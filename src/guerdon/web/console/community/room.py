"""Community: what waits for somebody, with why, and approving, refusing or hiding it."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.circles.posts.names import load_names
from guerdon.circles.posts.opinions import reports_of
from guerdon.circles.posts.photos import load_sizes
from guerdon.circles.posts.rows import Post, count_by_state, find_post, list_in_state, parse_post
from guerdon.engine.community.moderating import LONGEST_REASON, Decision, Moderator, decide
from guerdon.engine.community.telling import PAST, untold_turns
from guerdon.engine.telling.pages import Ear, tell_pages
from guerdon.infra.tx import Tx
from guerdon.members.states import load_keys
from guerdon.programs.programs import LiveVersion
from guerdon.web.api.community.photos import HEADERS, load_photo
from guerdon.web.api.community.shown import text_of
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Deciding = Annotated[Visit, Depends(entitled("posts:moderate"))]
KINDS: Final = {"post": "Post", "question": "Question", "answer": "Answer", "share": "Shared elsewhere"}
"""What a kind is called; `say.text` translates it, as all of these."""
STATES: Final = {"waiting": "Waiting", "shown": "Shown", "refused": "Refused", "hidden": "Hidden"}
WHY: Final = {
    "approve": "nobody has looked at it yet",
    "words": "it has a word that is kept back",
    "links": "it leads elsewhere",
    "copied": "somebody else wrote the very same",
    "reports": "members reported it",
}
REPORTED: Final = {
    "spam": "advertising",
    "rude": "rude",
    "wrong": "wrong",
    "private": "says something private",
    "other": "another reason",
}
DONE: Final = {"approve": "It is shown now.", "refuse": "It is refused.", "hide": "It is hidden."}
_DECISIONS: Final[dict[str, Decision]] = {"approve": "approve", "refuse": "refuse", "hide": "hide"}
_PAGE: Final = 25
_WIDEST: Final = 280


@dataclass(frozen=True, slots=True)
class Row:
    """A post as staff sees it."""

    post: Post
    text: str
    author: str
    """The name that they chose, or nothing."""
    member: str
    size: tuple[int, int] | None
    """Of its photo, as it is shown here; None without one."""
    reports: dict[str, int]


@ROUTER.get("/console/p/{program}/community")
def community(
    visit: Visitor, program: str, state: str = "waiting", after: str = "", done: str = ""
) -> Response:
    """List what waits for somebody, or what stands in another state."""
    return _page(visit, program, (state, after), done=done)


@ROUTER.post("/console/p/{program}/community/{post}")
def decide_on(visit: Deciding, program: str, post: str) -> Response:
    """Approve, refuse or hide; what is approved comes to its author's account as an event."""
    reason = visit.field("reason", LONGEST_REASON)
    decision = _DECISIONS.get(visit.field("decision", 20))
    state = visit.field("state", 20)
    if decision is None:
        raise Problem.at("/decision", "decision_unknown", "expected approve, refuse or hide")
    number = parse_post(post)
    try:
        with visit.transaction() as tx:
            opened = open_program(tx, visit, program)
            takes_back = opened.live.program.definition.community.takes_back
            live = opened.live.program_id
            who = Moderator(live, visit.staff.actor, visit.now, visit.house.ids, takes_back)
            decide(tx, who, number, (decision, reason))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _page(visit, program, (state, ""), problem=problem)
    _tell(visit, opened, number)
    return visit.go(
        f"{opened.path}/community?state={state if state in STATES else 'waiting'}&done={decision}"
    )


@ROUTER.get("/console/p/{program}/community/{post}/photo")
def photo(visit: Visitor, program: str, post: str) -> Response:
    """Give a photo to staff, in whatever state its post is."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        place = (opened.live.program_id, parse_post(post))
        _, data = load_photo(tx, visit.house.vault(visit.tenant_id), place, shown_only=False)
    headers = {**HEADERS, "cache-control": "private, no-store", "cross-origin-resource-policy": "same-origin"}
    return Response(data, media_type="image/jpeg", headers=headers)


def _tell(visit: Visit, opened: Opened, post_id: int) -> None:
    live = LiveVersion(opened.live.program_id, opened.program.key, opened.live.version)
    with visit.transaction() as tx:
        one = find_post(tx, live.program_id, post_id)
        untold = untold_turns(tx, live.program_id, one) if one is not None else []
    house = visit.house
    ear = Ear(house.database, house.engine, visit.tenant_id, live, visit.now)
    tell_pages(ear, [untold], PAST, marks_gone=True)


def _page(
    visit: Visit, program: str, which: tuple[str, str], *, problem: Problem | None = None, done: str = ""
) -> Response:
    state, after = which
    state = state if state in STATES else "waiting"
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        program_id = opened.live.program_id
        begin = parse_post(after) if after else 0
        posts = list_in_state(tx, program_id, state, (begin, _PAGE + 1))
        rows = _rows(tx, visit, program_id, posts[:_PAGE])
        counts = count_by_state(tx, program_id)
    return visit.page(
        "community.html",
        422 if problem is not None else 200,
        **framed(opened, "community"),
        rows=rows,
        state=state,
        states=STATES,
        counts={one: counts.get(one, 0) for one in STATES},
        kinds=KINDS,
        why=WHY,
        reported=REPORTED,
        next=posts[_PAGE - 1].shown_id if len(posts) > _PAGE else "",
        problem=problem,
        done=DONE.get(done, ""),
    )


def _rows(tx: Tx, visit: Visit, program_id: int, posts: list[Post]) -> list[Row]:
    members = [one.member_id for one in posts]
    vault = visit.house.vault(visit.tenant_id)
    keys = {one: key for one, (_, key) in load_keys(tx, vault, program_id, members).items()}
    names = load_names(tx, program_id, keys, members)
    ids = [one.post_id for one in posts]
    sizes, reports = load_sizes(tx, program_id, ids), reports_of(tx, program_id, ids)
    return [
        Row(
            one,
            text_of(one, keys),
            names.get(one.member_id, ""),
            number_text("mem", one.member_id),
            _fitted(sizes.get(one.post_id)),
            reports.get(one.post_id, {}),
        )
        for one in posts
    ]


def _fitted(size: tuple[int, int] | None) -> tuple[int, int] | None:
    if size is None:
        return None
    width = min(size[0], _WIDEST)
    return width, max(1, size[1] * width // size[0])
