"""What nobody told is told by ticks; posts and shares that were changed are found by `verify`."""

from __future__ import annotations

from datetime import UTC, datetime

from guerdon.base.findings import Finding
from guerdon.circles.posts.rows import parse_post
from guerdon.engine.audit.run import Audit
from guerdon.engine.community.moderating import Moderator, decide
from guerdon.engine.ticks import run_due_of
from guerdon.programs.tenants import tenant_id_of
from tests.web.community.conftest import DEFINITION, Club, photo

LATER = datetime(2026, 11, 21, 13, tzinfo=UTC)


def audit(club: Club) -> list[Finding]:
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    with house.database.transaction(tenant) as tx:
        tx.execute("set transaction isolation level repeatable read")
        return list(Audit(tx, house.vault(tenant)).run())


async def life(club: Club) -> None:
    """A post with a photo and a like, answers of others and one's own, a share, and a post taken back."""
    sharing = "sharing: {of: [purchase]}\ncampaigns:\n"
    applied = await club.api.apply(
        DEFINITION.replace("max_per_day: 3", "max_per_day: 9").replace("campaigns:\n", sharing)
    )
    assert applied.status_code == 201, applied.text
    one = await club.post("ananya", "A post with a photo", photo=photo(), product="BP-40")
    gone = await club.post("ananya", "A post to be taken back", photo=photo((50, 50)))
    question = await club.post("ananya", "Does it hold?", kind="question")
    for each in (one, gone, question):
        await club.decide(each)
    await club.send(f"posts/{one['id']}/likes", {"member": "ben"})
    for member in ("ben", "ananya"):
        said = await club.send(
            f"posts/{question['id']}/answers", {"member": member, "text": f"It does, says {member}."}
        )
        await club.decide(said.json())
    await club.send(f"posts/{gone['id']}/withdraw", {"member": "ananya"})
    share = (await club.send("shares", {"member": "ananya", "of": "purchase", "what": "BP-40"})).json()
    claim = await club.send(
        f"shares/{share['code']}/claims", {"member": "ananya", "url": "https://social.example/1"}
    )
    await club.decide(claim.json())


async def test_what_was_approved_is_told_even_if_its_teller_died(club: Club) -> None:
    one = await club.post("ben", "Three words here")
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    with house.database.transaction(tenant) as tx:
        program_id = house.live(tx, "club").program_id
        at = datetime(2026, 11, 21, 12, 30, tzinfo=UTC)
        who = Moderator(program_id, "test", at, house.ids, takes_back=True)
        decide(tx, who, parse_post(one["id"]), ("approve", ""))
    assert await club.points("ben") == "0"
    for _ in range(2):
        run_due_of(house.database, house.engine, tenant, LATER)
        assert await club.points("ben") == "20"
    assert audit(club) == []


CHANGES = [
    ("update posts set bought = not bought where product <> '' and kind = 'post'", "post_event"),
    ("update posts set words = words + 1 where kind = 'answer' and words = 4", "post_event"),
    ("update posts set likes = likes + 1 where kind = 'post' and has_photo", "post_count"),
    ("update posts set answers = answers - 1 where kind = 'question'", "post_count"),
    ("delete from post_likes", "post_count post_missing"),
    ("update posts set turns = array[turns[1] - interval '1 day'] where kind = 'question'", "post_event"),
    ("update shares set joined = 5", "share_count"),
]


async def test_posts_that_were_changed_are_found(club: Club) -> None:
    await life(club)
    assert audit(club) == []
    house, tenant = club.api.house, tenant_id_of(club.api.tenant)
    for statement, code in CHANGES:
        with house.database.transaction(tenant) as tx:
            tx.execute("set transaction isolation level repeatable read")
            assert tx.execute(statement).rowcount > 0, statement
            found = {one.code for one in Audit(tx, house.vault(tenant)).run()}
            tx.rollback()
        assert found == set(code.split()), statement
