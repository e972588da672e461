"""Decisions and carts with audiences are decided again as they were, whoever has changed or gone since."""

from __future__ import annotations

from guerdon.engine.audit.explanations import explain_stored
from guerdon.engine.events import Page, list_events
from tests.rooms.audit.conftest import PROGRAM, Life, audited
from tests.rooms.engine.conftest import TENANT

MEANT = """
segments:
  runners: account.owner.attributes.persona == 'runner'
  secretive: account.owner.attributes.secret == 'x' && account.owner.birthday != ''
  heavies: metrics.recycled > 300 || 'heavy' in account.badges
  savers: wallets.points.available > 40
"""
CAMPAIGNS = """
  for_runners:
    trigger: order.paid
    audience: "'runners' in account.segments"
    then: [{award: {wallet: cash, amount: "0.10"}}]
  for_some:
    trigger: order.paid
    audience: "'secretive' in account.segments || 'savers' in account.segments"
    limits: {total: 30}
    then: [{award: {wallet: points, amount: "2"}}]
  for_heavies:
    trigger: checkout
    audience: "'heavies' in account.segments"
    then: [{discount: {amount: "1.00"}}]
  risen_savers:
    trigger: tier.reached
    audience: account.segments.exists(one, one == 'savers')
    then: [{award: {wallet: points, amount: "9"}}]
rewards:
"""


def segmented(program: str = PROGRAM) -> str:
    return program.replace("\nrewards:\n", CAMPAIGNS) + MEANT


def test_segments_are_decided_again(living: Life) -> None:
    living.begin()
    living.live(40)
    living.apply(segmented())
    living.live(160)
    living.apply(segmented().replace("recycled > 300", "recycled > 100").replace("== 'runner'", "== 'hiker'"))
    living.live(100)
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {}
    text = "convert_from(decision, 'utf8')"
    for campaign in ("for_runners", "for_some", "for_heavies"):
        said = f'"campaign":"{campaign}"'
        acted = living.world.rows(f"select 1 from events where {text} like '%%effects%%{said}%%'")  # noqa: S608 - words of this test
        assert acted, f"{campaign} never acted"
    told = f"select count(*) from events where {text}::jsonb -> 'inputs' ? 'account.segments'"  # noqa: S608 - words of this test
    assert living.world.rows(told)[0][0] > 50


def test_an_explanation_tells_the_segments_of_that_time(living: Life) -> None:
    living.apply(segmented())
    living.begin()
    for _ in range(4):
        living.live(25)
        for _ in range(8):
            living.patch()
    with living.world.database.transaction(TENANT) as tx:
        every = list_events(tx, living.program_id(), Page(500, type="order.paid"))
        stored = [one for one in every if one.account_id]
        for one in stored:
            found = explain_stored(tx, living.vault, "club", one)
            assert not [said for said in found.differences if "for_" in said or "risen_savers" in said]
            told = {each.campaign: each for each in found.outcomes}["for_runners"]
            is_meant = "runners" in one.decided.inputs["account.segments"]
            assert told.outcome == ("acted" if is_meant else "not_in_audience")
    seen = {key for one in stored for key in one.decided.inputs["account.segments"]}
    assert seen >= {"runners", "savers"}
    assert any("runners" not in one.decided.inputs["account.segments"] for one in stored)


def test_after_erasure_segments_that_read_the_person_are_as_they_were(living: Life) -> None:
    living.apply(segmented())
    living.begin()
    living.live(120)
    living.erase("anna")
    found, counts = audited(living.world)
    assert not found, "\n".join(one.detail for one in found)
    assert counts.not_replayed == {"after erasure": 1}
