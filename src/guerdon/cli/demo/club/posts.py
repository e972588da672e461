"""Members of the demo's club who post, ask, answer, like and share; some of it waits for staff."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from random import Random
from typing import Final, NamedTuple

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance
from guerdon.circles.posts.names import Choice, choose_name
from guerdon.circles.posts.rows import Post, count_by_state, find_post
from guerdon.cli.demo.scenes import Scene
from guerdon.connect.samples.filling import Filled
from guerdon.engine.commands import IngestEvent
from guerdon.engine.community import posting
from guerdon.engine.community.moderating import Moderator, decide
from guerdon.engine.community.posting import Author, Desk, Written
from guerdon.engine.community.telling import untold_turns
from guerdon.engine.sharing import making
from guerdon.engine.telling.pages import Untold
from guerdon.infra.tx import Tx
from guerdon.members.identities import parse_ref, resolve
from guerdon.members.states import load_keys

_FROM: Final = 200
"""In a club as small as a test's, posts would be a crowd."""
_NAMES: Final = ("Hill Walker", "পাহাড়ি", "Morning Bus", "सफ़र", "Two Straps", "Rainy Day")
_SAID: Final = (
    ("post", "Dry inside after two days of rain."),
    ("post", "তিন বছর ধরে রোজ ব্যবহার করি, এখনও নতুনের মতো।"),
    ("question", "Does a 15 inch laptop fit with a lunch box?"),
    ("post", "कंधे की पट्टियाँ बहुत आरामदायक हैं।"),
    ("post", "The zip broke after a month. They mended it for nothing."),
    ("post", "Best price at www.cheap-bags.example, ask me."),
)
_ANSWER: Final = "Mine does, with a thin sleeve around the laptop."
_WAIT: Final = 2
"""So many at the end nobody has looked at yet."""


class _Day(NamedTuple):
    """Where it plays."""

    scene: Scene
    desk: Desk
    program_id: int

    def author(self, tx: Tx, member: str, at: datetime) -> Author:
        """A member of the sample who does something."""
        house, ref = self.scene.house, parse_ref(member)
        live = house.live(tx, self.scene.program)
        found = resolve(tx, self.desk.vault, live.program_id, [ref])[ref]
        account, key = load_keys(tx, self.desk.vault, live.program_id, [found.member_id])[found.member_id]
        return Author(live.program_id, live.program, account, found.member_id, key, "", at)


def post_and_share(scene: Scene, filled: Filled) -> None:
    """Let some members post, ask, answer and like, and one share a purchase.

    Args:
        scene: where.
        filled: the members.
    """
    if len(filled.members) < _FROM:
        return
    house = scene.house
    with house.database.transaction(scene.tenant_id) as tx:
        live = house.live(tx, scene.program)
    if live.program.definition.community.approve == "closed":
        return
    chance = Random(f"{scene.seed}:posts")
    members = [filled.members[one] for one in sorted(chance.sample(sorted(filled.members), len(_SAID) + 4))]
    day = _Day(scene, Desk(house.vault(scene.tenant_id), house.ids), live.program_id)
    with house.database.transaction(scene.tenant_id) as tx:
        # A start that was broken off let them post before.
        posts = _posts(tx, day, members) if not count_by_state(tx, live.program_id) else []
        untold = [each for one in posts for each in untold_turns(tx, live.program_id, one)]
    _tell(scene, untold)


def _posts(tx: Tx, day: _Day, members: Sequence[str]) -> list[Post]:
    made: list[Post] = []
    last = len(_SAID) - _WAIT
    for place, (kind, text) in enumerate(_SAID):
        at = day.scene.at(0.2 + 0.1 * place)
        author = day.author(tx, members[place], at)
        choose_name(tx, day.desk.vault, author.doer, Choice(_NAMES[place], author.key, at))
        said = Written("question" if kind == "question" else "post", text)
        one = posting.write(tx, day.desk, author, said)
        made.append(_approved(tx, day, one, at) if place < last else one)
    liked = [one for one in made if one.state == "shown"]
    for place, member in enumerate(members[len(_SAID) :]):
        author = day.author(tx, member, day.scene.at(0.9))
        for one in liked[: place + 1]:
            posting.like(tx, author, one.post_id)
    question = next(one for one in made if one.kind == "question")
    helper = day.author(tx, members[0], day.scene.at(0.95))
    answer = posting.write(tx, day.desk, helper, Written("answer", _ANSWER, question_id=question.post_id))
    made.append(_approved(tx, day, answer, day.scene.at(0.96)))
    _share(tx, helper)
    return made


def _approved(tx: Tx, day: _Day, one: Post, at: datetime) -> Post:
    if one.state == "waiting":
        who = Moderator(day.program_id, "demo", at, day.scene.house.ids, True)
        decide(tx, who, one.post_id, ("approve", ""))
    return find_post(tx, day.program_id, one.post_id) or one


def _share(tx: Tx, author: Author) -> None:
    row = tx.execute(
        "select badge from badges where account_id = %s limit 1", (author.account_id,)
    ).fetchone()
    if row is None or "badge" not in author.program.definition.sharing.of:
        return
    try:
        making.share(tx, author, ("badge", row[0], ""), Chance(author.member_id.to_bytes(8, "big")))
    except Problem as problem:
        # The same demo in another start has made it before.
        if problem.code != "shares_too_many":
            raise


def _tell(scene: Scene, untold: Sequence[Untold]) -> None:
    asked = [
        IngestEvent(
            tenant_id=scene.tenant_id,
            program=scene.program,
            received_at=max(scene.now, one.at),
            raw=one.raw,
            own=True,
        )
        for one in untold
        if one.raw is not None
    ]
    scene.asked(asked)
    with scene.house.database.transaction(scene.tenant_id) as tx:
        for one in untold:
            one.mark(tx)
