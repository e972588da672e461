"""Each story of this folder comes out as it is told."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime
from pathlib import Path

import pytest

from guerdon.base.exact import plain_text
from guerdon.rules.decision import Decision, Effect
from tests.stories.driver import Driver, PureDriver, Stands
from tests.stories.telling import Story, Told, read_stories

VERBS = {
    "multiply": "multiplies",
    "redeem": "redeems",
    "grant": "grants",
    "badge": "gives",
    "note": "notes",
    "discount": "discounts",
}
FOLDER = Path(__file__).parent
STORIES = [story for path in sorted(FOLDER.glob("*.txt")) for story in read_stories(path)]


def test_there_are_stories() -> None:
    assert len(STORIES) >= 100
    titles = [(story.file, story.title) for story in STORIES]
    assert len(set(titles)) == len(titles)


@pytest.mark.parametrize("story", STORIES, ids=lambda story: f"{story.file[:-4]}: {story.title}")
def test_story(story: Story) -> None:
    driver = PureDriver(story.program)
    tell(story, driver)
    assert_books_add_up(driver)


def tell(story: Story, driver: Driver) -> None:
    """Tell a story to a driver and hold each answer against what is written."""
    for told in story.lines:
        place = f"{story.file}:{told.number}"
        if told.asks:
            said = answer(story, told, driver.stands(told.who, told.at))
            assert said == " ".join(told.words[1:]), f"{place}: {' '.join(told.words)}"
            continue
        decision = driver.happens(told)
        said_all = spoken(story, decision)
        said_all += [
            f"tells {one.challenge} {plain_text(one.value)} of {one.goal} times {one.times}"
            for one in driver.foreseen
        ]
        for number, words in told.answers:
            expected = " ".join(words)
            if words[0] == "no":
                assert not [one for one in said_all if one.startswith(expected[3:])], f"{story.file}:{number}"
            else:
                assert expected in said_all, f"{story.file}:{number}: said {said_all}"
        refused = [one for one in said_all if one.startswith("refused")]
        expected_refusals = [words for _, words in told.answers if words[0] == "refused"]
        assert bool(refused) == bool(expected_refusals), f"{place}: {refused}"


def answer(story: Story, told: Told, stands: Stands) -> str:
    """Say what a question asks, in the words of the story."""
    topic, name = told.words[0], told.words[1]
    if topic == "balance":
        available, pending, _ = stands.wallets[name]
        said = f"{name} available {available} pending {pending}"
        return said if "pending" in told.words else f"{name} available {available}"
    if topic == "tier":
        return f"{name} {stands.tiers[name]}"
    if topic == "challenge":
        said = stands.challenges[name]
        return f"{name} {said if 'times' in told.words else said.partition(' times')[0]}"
    if topic in ("next", "keep"):
        said = (stands.next if topic == "next" else stands.keep)[name]
        return f"{name} {said if 'by' in told.words else said.partition(' by')[0]}"
    if topic == "expiring":
        soon = [f"{units} at {local(story, at)}" for at, units in stands.expiring[name]]
        return f"{name} {', '.join(soon) or 'nothing'}"
    return " ".join(stands.badges) or "none"


def local(story: Story, at: datetime) -> str:
    return at.astimezone(story.zone).strftime("%Y-%m-%d %H:%M")


def spoken(story: Story, decision: Decision) -> list[str]:
    """Say what a decision says, one sentence each."""
    said = [f"refused {decision.problem_code}"] if decision.problem_code else []
    said += ["late"] if decision.late else []
    said += [did(effect) for effect in decision.effects]
    said += [f"skips {skip.campaign} {skip.reason}" for skip in decision.skipped]
    for change in decision.tier_changes:
        said.append(f"moves {change.ladder} {change.before} to {change.after}")
        said.append(f"moves {change.ladder} {change.before} to {change.after} at {local(story, change.at)}")
        said.append(f"moves {change.ladder} {change.before} to {change.after} by {change.cause}")
    for one in decision.transactions:
        if one.kind == "expire":
            units = -sum(entry.amount for entry in one.entries if entry.book == "member")
            said.append(f"expires {units} {one.wallet} at {local(story, one.effective_at)}")
    said += came_of(decision)
    for redemption in decision.redemptions:
        if redemption.expires_at is not None:
            said.append(f"coupon {redemption.reward} until {local(story, redemption.expires_at)}")
    return said


def did(effect: Effect) -> str:
    """Say what an effect is."""
    if effect.kind == "award":
        return f"awards {effect.campaign} {effect.amount} {effect.wallet}"
    if effect.kind == "ticket":
        return f"ticket {effect.draw.partition('@')[0]} {effect.amount} wins {effect.prize or 'nothing'}"
    thing = {"badge": effect.badge, "multiply": str(effect.factor)}.get(effect.kind, effect.reward)
    return f"{VERBS[effect.kind]} {effect.campaign} {thing}".replace("  ", " ")


def came_of(decision: Decision) -> list[str]:
    """Say what challenges came to, and what a return undid."""
    said = [f"reaches {one.challenge} {one.round}" for one in decision.reached]
    said += [f"short {one.kind} {one.reason}" for one in decision.shortfalls]
    if decision.returned is not None:
        said += [f"takes {one.taken} {one.wallet}" for one in decision.returned.units if one.taken]
        said += [f"owes {one.debt} {one.wallet}" for one in decision.returned.units if one.debt]
        said += [f"undoes {one.kind} {one.campaign}" for one in decision.returned.undone if not one.kept]
    return said


def assert_books_add_up(driver: PureDriver) -> None:
    """Each transaction balances, and the entries of each lot sum to what the lot has left."""
    lots: dict[tuple[object, ...], int] = defaultdict(int)
    for who, decision in driver.decisions:
        for one in decision.transactions:
            assert sum(entry.amount for entry in one.entries) == 0
            for entry in one.entries:
                if entry.book == "member":
                    lots[who, one.wallet, entry.available_at, entry.expires_at] += entry.amount
    left = {
        (who, key, lot.available_at, lot.expires_at): lot.remaining
        for who, account in driver.people.items()
        for key, wallet in account.wallets.items()
        for lot in wallet.lots or ()
    }
    assert {key: units for key, units in lots.items() if units} == left
