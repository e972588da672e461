"""Calls about posts for those who decide what is shown."""

from __future__ import annotations

from typing import Annotated, Final, Literal

import msgspec
from anyio import to_thread
from fastapi import APIRouter, Depends, Response

from guerdon.base.ids import number_text
from guerdon.circles.posts.names import forget_name
from guerdon.circles.posts.rows import NO_POST, Post, find_post, list_in_state, parse_post
from guerdon.engine.community.moderating import LONGEST_REASON, Moderator, decide
from guerdon.engine.community.telling import untold_turns
from guerdon.engine.telling.pages import Untold
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref
from guerdon.programs.audit import Act, record
from guerdon.web.api.calls.call import Call, Paged, admitted, answer, listing
from guerdon.web.api.calls.once import once
from guerdon.web.api.community.shapes import HeldPosts, HeldShape, PublicNameShape
from guerdon.web.api.community.shown import Reader, look_beside, show_held
from guerdon.web.api.community.taking import Whose, author_of, tell
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Community"])
Moderating = Annotated[Call, Depends(admitted("posts:moderate"))]
_QUEUE: Final = "/v1/programs/{program}/moderation/posts"


class PostDeciding(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What is decided on a post."""

    decision: Literal["approve", "refuse", "hide"]
    reason: Annotated[str, msgspec.Meta(max_length=LONGEST_REASON)] = ""
    """Why; its author may read it. Only approving needs none."""


class NameTakingAway(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Whose name is taken away."""

    member: Annotated[str, msgspec.Meta(min_length=1, max_length=260)]


class _Kept(msgspec.Struct, frozen=True):
    post: int


@ROUTER.get(_QUEUE, summary="Posts that wait for somebody", **operation(HeldPosts))
def queue(
    call: Moderating,
    program: str,
    wanted: Paged,
    state: Literal["waiting", "shown", "refused", "hidden"] = "waiting",
) -> Response:
    """Oldest first, each with why it waits; or those in another state."""
    with call.transaction() as tx:
        reader = _reader(tx, call, program)
        page = (wanted.after(int) or 0, wanted.limit + 1)
        posts = list_in_state(tx, reader.program_id, state, page)
        beside = look_beside(tx, reader, posts, for_staff=True)
    return listing(posts, wanted, lambda one: one.post_id, lambda one: show_held(one, reader, beside))


@ROUTER.get(f"{_QUEUE}/{{post}}", summary="One post, for staff", **operation(HeldShape))
def one_held(call: Moderating, program: str, post: str) -> Response:
    """In any state."""
    return _shown(call, program, parse_post(post))


@ROUTER.post(f"{_QUEUE}/{{post}}", summary="Decide on a post", **operation(HeldShape, body=PostDeciding))
async def decide_on(call: Moderating, program: str, post: str) -> Response:
    """Approving shows it, and brings its author what campaigns give for it; hiding takes that back."""
    asked = call.read(PostDeciding)
    whose = Whose(call.premises, call.tenant_id, program, call.now)

    def act(tx: Tx) -> tuple[int, _Kept]:
        live = call.house.live(tx, program)
        takes_back = live.program.definition.community.takes_back
        who = Moderator(live.program_id, call.caller.actor, call.now, call.house.ids, takes_back)
        return 200, _Kept(decide(tx, who, parse_post(post), (asked.decision, asked.reason)).post_id)

    done = await to_thread.run_sync(once, call, act)
    kept = msgspec.json.decode(done.body, type=_Kept)
    await tell(whose, await to_thread.run_sync(_untold, call, program, kept.post))
    return await to_thread.run_sync(_shown, call, program, kept.post)


@ROUTER.post(
    "/v1/programs/{program}/moderation/public_names",
    summary="Take a member's chosen name away",
    **operation(PublicNameShape, body=NameTakingAway),
)
def take_away(call: Moderating, program: str) -> Response:
    """They are seen without a name until they choose another; the audit trail has a row."""
    asked = call.read(NameTakingAway)
    whose = Whose(call.premises, call.tenant_id, program, call.now)

    def act(tx: Tx) -> tuple[int, PublicNameShape]:
        author = author_of(tx, whose, parse_ref(asked.member))
        shown = number_text("mem", author.member_id)
        if forget_name(tx, author.program_id, author.member_id):
            said = Act(call.now, call.caller.actor, "name.taken_away", shown, author.program_id)
            record(tx, said, call.house.ids)
        return 200, PublicNameShape(member=shown, name=None)

    return once(call, act)


def _untold(call: Call, program: str, post_id: int) -> list[Untold]:
    with call.transaction() as tx:
        program_id = call.house.live(tx, program).program_id
        one = find_post(tx, program_id, post_id)
        return untold_turns(tx, program_id, one) if one is not None else []


def _shown(call: Call, program: str, post_id: int) -> Response:
    with call.transaction() as tx:
        reader = _reader(tx, call, program)
        one: Post | None = find_post(tx, reader.program_id, post_id)
        if one is None:
            raise NO_POST
        beside = look_beside(tx, reader, [one], for_staff=True)
    return answer(show_held(one, reader, beside))


def _reader(tx: Tx, call: Call, program: str) -> Reader:
    return Reader(call.house.vault(call.tenant_id), call.house.live(tx, program).program_id)
