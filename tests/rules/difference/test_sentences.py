"""What a new definition changes, as it is read aloud."""

from __future__ import annotations

from pathlib import Path

import pytest

from guerdon.rules.definition import load_definition
from guerdon.rules.difference import compare

EXAMPLES = Path(__file__).parents[3] / "examples"
CLUB = (EXAMPLES / "backpack-club.yaml").read_text(encoding="utf-8")
NEWSLETTER = next(line for line in CLUB.splitlines(keepends=True) if line.startswith("  newsletter:"))

SENTENCES = [
    (
        "from: 500,",
        "from: 600,",
        "/ladders/club/tiers/silver/from",
        "Tier Silver begins at 600 instead of 500.",
    ),
    (
        'amount: "100", pending: 0d',
        'amount: "150", pending: 0d',
        "/campaigns/welcome/then/0",
        "Campaign `welcome` gives 150 points instead of 100, to be spent at once.",
    ),
    (
        'month}, then: [{award: {wallet: points, amount: "200"',
        'month}, then: [{award: {wallet: points, amount: "250"',
        "/campaigns/recycle/then/0",
        "Campaign `recycle` gives 250 points instead of 200.",
    ),
    (NEWSLETTER, "", "/campaigns/newsletter", "Campaign `newsletter` is removed."),
    (
        "days: [fri]",
        "days: [sat, fri]",
        "/campaigns/friday_evening_double/schedule",
        (
            "Campaign `friday_evening_double` runs on Fridays and Saturdays, from 17:00 to 21:00, "
            "instead of on Fridays, from 17:00 to 21:00."
        ),
    ),
    (
        "when: order.net >= 100",
        "when: order.net >= 50",
        "/campaigns/spend_100_get_10/when",
        "Campaign `spend_100_get_10` applies when `order.net >= 50` instead of when `order.net >= 100`.",
    ),
    (
        "    when: order.net >= 100\n",
        "",
        "/campaigns/spend_100_get_10/when",
        "Campaign `spend_100_get_10` applies always instead of when `order.net >= 100`.",
    ),
    (
        "then: [{grant: ten_percent_off}]\n  friday",
        "then: [{grant: ten_percent_off}, {badge: trailblazer}]\n  friday",
        "/campaigns/spend_100_get_10/then/1",
        "Campaign `spend_100_get_10` also gives the badge Trailblazer.",
    ),
    (
        "      gold:",
        "      high: {from: 900}\n      gold:",
        "/ladders/club/tiers/high",
        "New tier High on the ladder `club` from 900, earning at rate 1.",
    ),
    (
        "stock: 500",
        "stock: 5",
        "/rewards/travel_pouch/stock",
        "Reward Travel pouch has 5 in stock instead of 500.",
    ),
    (
        ", stock: 500",
        "",
        "/rewards/travel_pouch/stock",
        "Reward Travel pouch has no end of stock instead of 500 in stock.",
    ),
    (
        "pending: 14d ",
        "pending: 0d ",
        "/wallets/points/pending",
        "The wallet `points` lets units be spent at once instead of 14 days after earning.",
    ),
    (
        'cost: "0.006"',
        'cost: "0.008"',
        "/wallets/points/cost",
        "The wallet `points` is booked with a cost a unit of 0.008 USD instead of 0.006.",
    ),
    (
        "soft_landing: true",
        "soft_landing: false",
        "/ladders/club/soft_landing",
        (
            "The ladder `club` lets members fall at a review by as many tiers as they lost "
            "instead of one tier at most."
        ),
    ),
    (
        "lanes:\n",
        "earning: {paid_with: {gift_card: false}}\nlanes:\n",
        "/earning/paid_with",
        'The setting `earning`: `paid_with` is `{"gift_card": false}` instead of nothing.',
    ),
    (
        "metric: backpacks, every: 5",
        "metric: backpacks, every: 6",
        "/challenges/fifth_backpack/every",
        "The challenge `fifth_backpack` gives its prize at every 6 instead of 5.",
    ),
    (
        "persona == 'student'",
        "persona == 'commuter'",
        "/segments/students/when",
        (
            "The segment `students` holds those for whom `account.owner.attributes.persona == 'commuter'` "
            "holds instead of those for whom `account.owner.attributes.persona == 'student'` holds."
        ),
    ),
    (
        "name: {en: Trailblazer}",
        "name: {en: Pathfinder}",
        "/badges/trailblazer/name",
        "Badge Trailblazer is called “Pathfinder” (en) instead of “Trailblazer” (en).",
    ),
]


@pytest.mark.parametrize(("old", "new", "pointer", "sentence"), SENTENCES, ids=lambda text: str(text)[:24])
def test_a_change_is_one_sentence(old: str, new: str, pointer: str, sentence: str) -> None:
    assert CLUB.count(old) == 1, old
    changes = compare(load_definition(CLUB), load_definition(CLUB.replace(old, new)))
    assert [(change.pointer, change.sentence) for change in changes] == [(pointer, sentence)]


def test_kinds_and_data_go_with_the_sentence() -> None:
    new = CLUB.replace(NEWSLETTER, "").replace("stock: 500", "stock: 5")
    new = new.replace("      gold:", "      high: {from: 900}\n      gold:")
    added, removed, changed = compare(load_definition(CLUB), load_definition(new))
    assert (added.kind, added.before, added.after) == ("added", None, {"from": "900"})
    assert (removed.kind, removed.section, removed.after) == ("removed", "campaigns", None)
    assert removed.before["trigger"] == "newsletter.subscribed"
    assert (changed.kind, changed.before, changed.after) == ("changed", "500", "5")


def test_a_new_program_says_all_that_it_has() -> None:
    sentences = [change.sentence for change in compare(None, load_definition(CLUB))]
    assert sentences[0] == ("New program Backpack Club, reckoned in USD, with the days of America/New_York.")
    assert "New reward Travel pouch for 100 points, 500 in stock." in sentences
    assert (
        "New campaign `welcome`: on each `member.enrolled` it gives 100 points, to be spent at once."
        in sentences
    )
    assert (
        "New ladder `club` on the metric `yearly_spend`: Bronze from 0, Silver from 500 and Gold from 1500."
        in (sentences)
    )
    # The referral has no name of its own, and is told by what it brings to each side.
    assert len(sentences) == 1 + 2 + sum(
        len(getattr(load_definition(CLUB), section))
        for section in [
            "wallets",
            "attributes",
            "events",
            "metrics",
            "ladders",
            "campaigns",
            "lanes",
            "rewards",
            "badges",
            "challenges",
            "quizzes",
            "leaderboards",
            "segments",
            "journeys",
        ]
    )


def test_names_come_in_the_readers_language() -> None:
    before = load_definition(CLUB)
    after = load_definition(
        CLUB.replace(
            'month}, then: [{award: {wallet: points, amount: "200"',
            'month}, then: [{award: {wallet: points, amount: "250"',
        )
    )
    assert compare(before, after, ["bn"])[0].sentence == "Campaign `recycle` gives 250 পয়েন্ট instead of 200."


def test_effects_in_another_order_are_one_change() -> None:
    two = "[{award: {wallet: points, amount: 5}}, {badge: trailblazer}]"
    other = "[{badge: trailblazer}, {award: {wallet: points, amount: 5}}]"
    grant = "[{grant: ten_percent_off}]\n  friday"
    before, after = (load_definition(CLUB.replace(grant, f"{said}\n  friday")) for said in (two, other))
    (change,) = compare(before, after)
    assert change.pointer == "/campaigns/spend_100_get_10/then"
    assert change.sentence == "Campaign `spend_100_get_10` does the same things in another order."
    assert len(compare(load_definition(CLUB), after)) == 3, "one grant went, an award and a badge came"
