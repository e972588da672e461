"""What a new definition changes, as it is read aloud."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from guerdon.rules.definition import canonical_bytes, load_definition
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import plain_data
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
        "en: Trailblazer,",
        "en: Pathfinder,",
        "/badges/trailblazer/name",
        (
            "Badge Trailblazer is called “পথপ্রদর্শক” (bn), “Pathfinder” (en) and “राह दिखाने वाला” (hi), "
            "instead of “পথপ্রদর্শক” (bn), “Trailblazer” (en) and “राह दिखाने वाला” (hi)."
        ),
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
    assert (
        "New reward Travel pouch for 100 points, 500 in stock; it is worth 9.00 USD; "
        "it costs the shop 3.10 USD; it is the product `POUCH-1`."
    ) in sentences
    assert (
        "New campaign `welcome`: on each `member.enrolled` it gives 100 points, to be spent at once."
        in sentences
    )
    assert (
        "New ladder `club` on the metric `yearly_spend`: Bronze from 0, Silver from 500 and Gold from 1500; "
        "it is reviewed each year; it leaves after a review a grace of 30 days; "
        "it lets members fall at a review by one tier at most."
    ) in sentences
    # The referral has no name of its own, and is told by what it brings to each side; so are the community's
    # three settings and the two of sharing.
    assert "The community keeps back what has the words `spam` instead of nothing." in sentences
    assert len(sentences) == 1 + 2 + 5 + sum(
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
            "teams",
            "draws",
            "causes",
            "content",
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


TRAIL = (EXAMPLES / "trail-club.yaml").read_text(encoding="utf-8")

IN_SECTIONS = [
    (
        "goal: {personal: metrics.yearly_spend * 1.1, at_least: 50, at_most: 1000}",
        "goal: 200",
        "/challenges/beat_yourself/goal",
        (
            "The challenge `beat_yourself` is reached at 200 instead of each account's own "
            "`metrics.yearly_spend * 1.1`, at least 50, at most 1000."
        ),
    ),
    (
        "event: review.posted, when: event.data.stars >= 1, times: 2",
        "event: review.posted, when: event.data.stars >= 1, times: 3",
        "/challenges/spring_hike/steps/1/times",
        "The challenge `spring_hike`, step 2, is done 3 times instead of twice.",
    ),
    (
        "      - {quiz: know_your_bag}\n",
        "",
        "/challenges/spring_hike/steps/2",
        "The challenge `spring_hike` no longer has this step: the quiz `know_your_bag`.",
    ),
    (
        "prize: [{badge: trailblazer}, {award",
        "prize: [{award",
        "/challenges/spring_hike/prize/0",
        "The challenge `spring_hike` no longer gives the badge Trailblazer.",
    ),
    (
        "levels: [2, {from: 10",
        "levels: [2, 5, {from: 10",
        "/badges/trailblazer/levels/1",
        "Badge Trailblazer has a new level: from 5.",
    ),
    (
        "    pass: 3\n",
        "    pass: 2\n",
        "/quizzes/know_your_bag/pass",
        "The quiz `know_your_bag` is passed with 2 points instead of 3.",
    ),
    (
        "right: 22, within: 2",
        "right: 24, within: 2",
        "/quizzes/know_your_bag/questions/3/right",
        "The quiz `know_your_bag`, question 4, has as its right answer 24 instead of 22.",
    ),
    (
        "      - {ask: A wet pack is dried in the dryer., right: false}\n",
        "",
        "/quizzes/know_your_bag/questions/2",
        "The quiz `know_your_bag` no longer has this question: “A wet pack is dried in the dryer.”.",
    ),
    (
        "odds: 1 in 50",
        "odds: 1 in 40",
        "/draws/golden_ticket/prizes/0/odds",
        "The draw `golden_ticket`, prize 1, is won by 1 in 40 instead of 1 in 50.",
    ),
    (
        "    least: 1\n",
        "    least: 5\n",
        "/leaderboards/top_recyclers/least",
        "The leaderboard `top_recyclers` shows those who have at least 5 instead of 1.",
    ),
    (
        "size: 8, join: invited",
        "size: 8, join: open",
        "/teams/crew/join",
        (
            "The kind of team `crew` is joined by anybody who wants to "
            "instead of by those whom the captain invites."
        ),
    ),
    (
        "  window: 60d\n",
        "  window: 90d\n",
        "/referral/window",
        "The referral counts invitations for 90 days instead of 60.",
    ),
    (
        "{same_address: hold, same_device: refuse}",
        "{same_address: hold}",
        "/referral/review/same_device",
        "The referral, `review`: `same_device` is `hold` instead of `refuse`.",
    ),
    (
        "target: 5000",
        "target: 6000",
        "/causes/bags-for-school/target",
        "The cause `bags-for-school` is to bring together 6000.00 USD instead of 5000.00.",
    ),
    (
        "exit: order.returned",
        "exit: order.cancelled",
        "/journeys/win_back/exit/0",
        "The journey `win_back`, exit 1, is now: `order.cancelled`, instead of: `order.returned`.",
    ),
    (
        "{exit: true}]",
        "{wait: 1d}]",
        "/journeys/win_back/steps/2/then/1",
        "The journey `win_back`, step 3, step 2, is now: waits 1 day, instead of: leaves the journey.",
    ),
    (
        "      - wait: 3d\n",
        "      - wait: 4d\n",
        "/journeys/win_back/steps/3/wait",
        "The journey `win_back`, step 4, waits 4 days instead of 3.",
    ),
    (
        "    wait: 3d\n    limits",
        "    wait: 0d\n    limits",
        "/surveys/after_order/wait",
        "The survey `after_order` is sent at once instead of after 3 days.",
    ),
]


@pytest.mark.parametrize(("old", "new", "pointer", "sentence"), IN_SECTIONS, ids=lambda text: str(text)[:24])
def test_a_change_of_goals_and_play_is_one_sentence(old: str, new: str, pointer: str, sentence: str) -> None:
    assert TRAIL.count(old) == 1, old
    changes = compare(load_definition(TRAIL), load_definition(TRAIL.replace(old, new)))
    assert [(change.pointer, change.sentence) for change in changes] == [(pointer, sentence)]


def test_questions_in_another_order_are_one_change() -> None:
    lines = TRAIL.splitlines(keepends=True)
    at = next(number for number, line in enumerate(lines) if "A wet pack" in line)
    lines[at], lines[at + 1] = lines[at + 1], lines[at]
    (change,) = compare(load_definition(TRAIL), load_definition("".join(lines)))
    assert change.pointer == "/quizzes/know_your_bag/questions"
    assert change.sentence == "The quiz `know_your_bag` has each question in another order."


def test_new_sections_say_what_they_are_about() -> None:
    sentences = [change.sentence for change in compare(None, load_definition(TRAIL))]
    assert (
        "New challenge `fifth_order`: at every 5 of `orders` it grants the reward Travel pouch." in sentences
    )
    assert (
        "New quiz `know_your_bag` of 6 questions, passed with 3 points: "
        "it gives `event.data.points * 20` points; it asks 4 of its questions; "
        "it asks its questions in an order by chance; it leaves 10 minutes; it can be tried 3 times; "
        "it can be tried again after 1 day; it can be had at most once for an account."
    ) in sentences
    assert "The referral has a new rung: from 10 friends on it gives the badge Night owl." in sentences
    assert (
        "New segment `students` of those for whom `account.owner.attributes.persona == 'student'` holds."
    ) in sentences
    full = load_definition(TRAIL.replace("enter: segment.slipping_away", "enter: order.paid"))
    empty = load_definition(TRAIL[: TRAIL.index("segments:")])
    gone = [change.sentence for change in compare(full, empty)]
    assert "The journey `win_back` is removed." in gone
    assert "The survey `after_order` is removed." in gone


NEW_PARTS = {
    "/wallets/stars": (
        "{scale: 2, rounding: half_up, pending: 14d, expires: 12mo, debt: stop_at_zero, worth: 1, cost: 2}"
    ),
    "/metrics/days": "{event: order.paid, streak: day, when: order.net > 1, window: month}",
    "/metrics/least": "{event: order.paid, min: order.net}",
    "/metrics/brands": "{event: order.paid, distinct: order.channel}",
    "/ladders/other": (
        "{metric: yearly_spend, review: calendar_month, grace: 3d, soft_landing: true, tiers: {a: {from: 0}}}"
    ),
    "/campaigns/all": (
        "{trigger: order.paid, when: order.net > 1, audience: account.kind == 'person', channels: [pos], "
        "stores: [s1], schedule: {days: [mon]}, priority: 3, lane: storewide, exclusive: true, "
        "limits: {total: 9}, then: [{award: {wallet: points, amount: 1}}]}"
    ),
    "/rewards/thing": (
        "{kind: coupon, price: {points: 3}, stock: 4, discount: {percent: 5}, when: cart.net > 5, "
        "lane: storewide, priority: 2, exclusive: true, valid: 3d, code: 'A-{8}', worth: 2, cost: 1, "
        "sku: S, tiers: [gold], limits: {total: 7}}"
    ),
    "/rewards/evening": (
        "{kind: event, seats: 5, at: 2027-03-01T19:00, opens: 2027-01-01, public_at: 2027-01-02}"
    ),
    "/rewards/gift": "{kind: donation, price: {points: 1}, cause: bags-for-school, match: 2}",
    "/rewards/year": "{kind: warranty, price: {points: 1}, adds: 12mo}",
    "/lanes/inner": "{choose: first, within: storewide, priority: 4}",
    "/events/tree.planted": "{data: {height: int}}",
    "/attributes/size": "{type: string, values: [s, m], personal: true}",
}


@pytest.mark.parametrize("pointer", NEW_PARTS)
def test_a_new_part_says_each_of_its_keys(pointer: str) -> None:
    """Without one of its keys the sentence is another one, so that nothing goes live unsaid."""
    _, section, name = pointer.split("/")
    base = json.loads(canonical_bytes(load_definition(CLUB)))
    extra: Any = plain_data(read_document(decode(NEW_PARTS[pointer], "extra")))

    def told(part: dict[str, Any]) -> str:
        new = {**base, section: {**base.get(section, {}), name: part}}
        text = json.dumps(new)
        (change,) = compare(load_definition(CLUB), load_definition(text))
        return change.sentence

    whole = told(extra)
    needed = {"event", "trigger", "then", "tiers", "metric", "choose", "kind", "type", "discount", "data"}
    for key in extra.keys() - needed:
        assert told({other: value for other, value in extra.items() if other != key}) != whole, key
