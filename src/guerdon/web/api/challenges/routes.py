"""Calls about challenges and badges of a member, and what came of them."""

from __future__ import annotations

from typing import Annotated, Final

from anyio import to_thread
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.engine.commands import JoinChallenge, LeaveChallenge
from guerdon.engine.looking.challenges import load_badges, load_challenge, load_challenges
from guerdon.engine.looking.offers import Looker
from guerdon.infra.tx import Tx
from guerdon.members.challenges import Taking, load_takings
from guerdon.members.identities import Ref, parse_ref, resolve
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.challenges.shapes import (
    ChallengeFigures,
    ChallengeHistory,
    Challenges,
    ChallengeShape,
    FiguresShape,
    MemberBadges,
)
from guerdon.web.api.challenges.shown import name_of, prize_words, show_badge, show_challenge, show_history
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Challenges"])
Reading = Annotated[Call, Depends(admitted("members:read"))]
Writing = Annotated[Call, Depends(admitted("members:write"))]
Counting = Annotated[Call, Depends(admitted("insights:read"))]
Language = Annotated[str, Query(max_length=35)]
_MEMBER: Final = "/v1/programs/{program}/members/{ref}"
_ONE: Final = f"{_MEMBER}/challenges/{{challenge}}"
_NO_MEMBER: Final = Problem("member_not_found", "nobody here is meant by this reference")


@ROUTER.get(f"{_MEMBER}/challenges", summary="Challenges of a member", **operation(Challenges))
def all_challenges(call: Reading, program: str, ref: str, language: Language = "") -> Response:
    """Those that are for the member, each with what counts of its goal, its end and its prize."""
    with call.transaction() as tx:
        looker = _looker(tx, call, program, parse_ref(ref))
        found = load_challenges(tx, looker, call.now)
    return answer(
        Challenges(data=[show_challenge(looker.program, one, language) for one in found], next=None)
    )


@ROUTER.get(_ONE, summary="A challenge of a member", **operation(ChallengeShape))
def one_challenge(call: Reading, program: str, ref: str, challenge: str, language: Language = "") -> Response:
    """What counts of its goal, its end and its prize."""
    return answer(_show(call, program, (parse_ref(ref), challenge), language))


@ROUTER.get(f"{_ONE}/history", summary="How a challenge went", **operation(ChallengeHistory))
def history(call: Reading, program: str, ref: str, challenge: str) -> Response:
    """When the member joined, what was done, when the prize was reached, and what returns took back."""
    with call.transaction() as tx:
        looker = _looker(tx, call, program, parse_ref(ref))
        found = load_challenge(tx, looker, challenge, call.now)
    return answer(show_history(found))


@ROUTER.post(f"{_ONE}/join", summary="Take part in a challenge", **operation(ChallengeShape))
async def join(call: Writing, program: str, ref: str, challenge: str, language: Language = "") -> Response:
    """From now on it counts. A goal of the member's own is reckoned now, and stays."""
    whom = parse_ref(ref)
    await call.ask(
        JoinChallenge(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            member=whom,
            challenge=challenge,
        )
    )
    return answer(await to_thread.run_sync(_show, call, program, (whom, challenge), language))


@ROUTER.post(f"{_ONE}/leave", summary="Take part in a challenge no longer", **operation(ChallengeShape))
async def leave(call: Writing, program: str, ref: str, challenge: str, language: Language = "") -> Response:
    """Prizes that were reached stay. Who joins again begins at nothing."""
    whom = parse_ref(ref)
    await call.ask(
        LeaveChallenge(
            tenant_id=call.tenant_id,
            program=program,
            received_at=call.now,
            once=call.once,
            member=whom,
            challenge=challenge,
        )
    )
    return answer(await to_thread.run_sync(_show, call, program, (whom, challenge), language))


@ROUTER.get(f"{_MEMBER}/badges", summary="Badges of a member", **operation(MemberBadges))
def badges(call: Reading, program: str, ref: str, language: Language = "") -> Response:
    """Those of the program, with their levels; hidden ones only where the member has them."""
    with call.transaction() as tx:
        looker = _looker(tx, call, program, parse_ref(ref))
        found = load_badges(tx, looker, call.now)
    return answer(MemberBadges(data=[show_badge(looker.program, one, language) for one in found], next=None))


@ROUTER.get(
    "/v1/programs/{program}/challenges",
    summary="What came of challenges",
    **operation(ChallengeFigures),
)
def figures(call: Counting, program: str, language: Language = "") -> Response:
    """How many take part, how many reached it, and how often."""
    with call.transaction() as tx:
        live = call.house.live(tx, program)
        known = load_takings(tx, live.program_id)
    definition = live.program.definition
    data = []
    for key, one in definition.challenges.items():
        taking = known.get(key, Taking(key, 0, 0, 0, None))
        data.append(
            FiguresShape(
                key=key,
                name=name_of(live.program, one.name, key, language),
                joined=taking.joined,
                accounts=taking.accounts,
                times=taking.times,
                last_at=taking.last_at,
                prize=prize_words(live.program, one.prize, language),
            )
        )
    return answer(ChallengeFigures(data=data, next=None))


def _show(call: Call, program: str, of: tuple[Ref, str], language: str) -> ChallengeShape:
    with call.transaction() as tx:
        looker = _looker(tx, call, program, of[0])
        found = load_challenge(tx, looker, of[1], call.now)
    return show_challenge(looker.program, found, language)


def _looker(tx: Tx, call: Call, program: str, ref: Ref) -> Looker:
    live = call.house.live(tx, program)
    found = resolve(tx, call.house.vault(call.tenant_id), live.program_id, [ref]).get(ref)
    if found is None:
        raise _NO_MEMBER
    return Looker(live.program_id, live.program, found.account_id, found.member_id)
