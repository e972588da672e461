"""What must come of goals, friends and good causes: slowly, and knowing nothing of the engine."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.world.accounts import Account, Refused, rounded
from tests.world.days import after, day_of
from tests.world.guild.member import Fact, Guildsman, Progress
from tests.world.guild.program import GUILD, LEAST, MOST, WORTH, GuildSpec, Quest
from tests.world.model import Act, Effect, Model, Out, Skipped, Taking, gone_name

WALLET = "coins"
FOLLOWING = {"done": 3, "proud": 1, "raised": 9}
"""What campaigns give that others set off."""


@dataclass
class Invitation:
    """A friend, whom somebody invited."""

    friend: str
    advocate: str
    place: tuple[datetime, int]
    state: str = "joined"


@dataclass
class Coming:
    """A friend's order that counts."""

    who: str
    net: Fraction
    place: tuple[int, int]
    people: set[str]
    """Whose account it was when they ordered."""
    state: str = "new"
    friend: str = ""


@dataclass
class Gift:
    """A donation."""

    given: int
    matched: int
    paid: int = 0


class Following:
    """What one event sets off: each campaign once, and what it left cold."""

    def __init__(self) -> None:
        self.effects: list[Effect] = []
        self.cold: dict[str, str] = {}
        self.acted: set[str] = set()
        self.badges = 0

    def skipped(self) -> list[Skipped]:
        return [(key, reason) for key, reason in self.cold.items() if key not in self.acted]


class Guild(Model):
    """The guild: its quests, its invitations and its causes."""

    spec: GuildSpec
    accounts: dict[str, Guildsman]  # type: ignore[assignment]  # all of them play

    def __init__(self, spec: GuildSpec = GUILD) -> None:
        super().__init__(spec)
        self.invitations: dict[str, Invitation] = {}
        self.comings: list[Coming] = []
        self.gifts: dict[str, Gift] = {}
        self.receipts = 0
        self.gone: set[str] = set()
        """Members who were erased."""
        self.numbers: Callable[[str], int] = lambda _: 0
        """The number of somebody's account, by which invitations are looked at in order."""

    def _new(self, who: str) -> Account:
        self.accounts[who] = Guildsman(self.spec)
        return self.accounts[who]

    # --- what happens

    def _decide(
        self, account: Account, act: Act, at: datetime, booked: datetime
    ) -> tuple[list[Effect], list[Skipped], bool]:
        assert isinstance(account, Guildsman)
        day = day_of(self.spec.zone, at)
        now = account.settle(booked)
        before = account.level(now)
        badges = set(account.badges)
        effects, skipped, late = super()._decide(account, act, at, booked)
        net = account.orders[-1][1] if act["type"] == "order.paid" else Fraction(0)
        account.note(Fact(act["type"], at, day, net))
        if act["type"] == "order.paid":
            self._first(account, act, net, (effects, skipped))
        done = Following()
        done.badges = len(account.badges - badges)
        if account.level(now) > before:
            self._follow(account, "raised", done, (at, now))
        moved = [key for key, quest in self.spec.quests.items() if act["type"] in quest.counts]
        self._advance(account, moved, done, (at, now))
        return sorted(effects + done.effects), sorted(skipped + done.skipped()), late

    def _advance(self, account: Guildsman, keys: list[str], done: Following, when: Any) -> None:
        day = day_of(self.spec.zone, when[0])
        reached: list[tuple[str, int]] = []
        for key in keys:
            quest, progress = self.spec.quests[key], account.progress.get(key, Progress())
            if self._is_on(quest, progress, day):
                window, due = self._due(account, key, (day, max(day, day_of(self.spec.zone, when[1]))))
                if due:
                    progress = account.of(key)
                    progress.rounds[window] += due
                    reached.append((key, due))
                    if quest.repeats:
                        progress.since, progress.counted = account.last_occurred, []
        for key, due in reached:
            for _ in range(due):
                self._prize(account, key, done, when)
        if done.badges:
            self._follow(account, "proud", done, when)

    def _is_on(self, quest: Quest, progress: Progress, day: date) -> bool:
        if quest.between is not None and not quest.between[0] <= day <= quest.between[1]:
            return False
        if not quest.opt_in:
            return True
        if progress.joined_at is None:
            return False
        first = day_of(self.spec.zone, progress.joined_at)
        return not quest.within or first <= day < first + timedelta(days=quest.within)

    def _due(self, account: Guildsman, key: str, days: tuple[date, date]) -> tuple[str, int]:
        """How many prizes are due, and in which month if that matters; the last day bounds what counts."""
        day, last = days
        quest, progress = self.spec.quests[key], account.progress.get(key, Progress())
        if quest.every:
            facts = [one for one in account.facts if one.kind in quest.counts]
            if quest.monthly:
                facts = [one for one in facts if (one.day.year, one.day.month) == (day.year, day.month)]
            window = day.strftime("%Y-%m") if quest.monthly else "ever"
            return window, max(len(facts) // quest.every - progress.rounds[window], 0)
        if progress.rounds["ever"] and not quest.repeats:
            return "ever", 0
        goals = (progress.goal,) if quest.own is not None else quest.goals
        if quest.in_order:
            return "ever", self._in_order(account, key, last)
        met = [
            goal is not None and self._value(account, key, kind, last) >= goal
            for kind, goal in zip(quest.counts, goals, strict=True)
        ]
        return "ever", int(all(met))

    def _value(self, account: Guildsman, key: str, kind: str, last: date) -> Fraction:
        quest, progress = self.spec.quests[key], account.progress.get(key, Progress())
        facts = account.facts if progress.since is None else progress.counted
        facts = [one for one in facts if one.kind == kind]
        if quest.between is not None:
            facts = [one for one in facts if quest.between[0] <= one.day <= quest.between[1]]
        if quest.within and progress.joined_at is not None:
            # What is ahead of its time counts when its day has come.
            first = day_of(self.spec.zone, progress.joined_at)
            last = min(last, first + timedelta(days=quest.within - 1))
            facts = [one for one in facts if first <= one.day <= last]
        return sum((one.net for one in facts), Fraction(0)) if quest.of_net else Fraction(len(facts))

    def _in_order(self, account: Guildsman, key: str, last: date) -> int:
        """One step an event; what did one counts for no other one."""
        quest, progress = self.spec.quests[key], account.of(key)
        if self._value(account, key, quest.counts[progress.stage], last) < quest.goals[progress.stage]:
            return 0
        progress.stage += 1
        progress.since, progress.counted = account.last_occurred, []
        return int(progress.stage == len(quest.goals))

    def _prize(self, account: Guildsman, key: str, done: Following, when: Any) -> None:
        quest = self.spec.quests[key]
        name = key if quest.level else f"challenge:{key}"
        month = day_of(self.spec.zone, when[0]).strftime("%Y-%m")
        if quest.limit is not None and account.uses[name, month] >= quest.limit:
            done.cold[name] = "limit_reached"
        else:
            if quest.limit is not None:
                account.uses[name, month] += 1
            done.acted.add(name)
            self._award(account, (name, quest.units), done, when)
            if quest.badge and quest.badge not in account.badges:
                account.badges.add(quest.badge)
                done.badges += 1
                done.effects.append((name, "badge", quest.badge))
            done.effects += [(name, "grant", quest.grants)] if quest.grants else []
        if not quest.level:
            if key == "card":
                self._follow(account, "done", done, when)
            else:
                done.cold["done"] = "condition_false"

    def _follow(self, account: Guildsman, key: str, done: Following, when: Any) -> None:
        if key not in done.acted:
            done.acted.add(key)
            self._award(account, (key, FOLLOWING[key]), done, when)

    def _award(self, account: Guildsman, what: tuple[str, int], done: Following, when: Any) -> None:
        key, units = what
        if units:
            pending = after(self.spec.zone, when[0], self.spec.wallets[WALLET].pending)
            account.award(WALLET, units, pending, when)
            done.effects.append((key, f"award {WALLET}", str(units)))

    # --- taking part

    def _join(self, act: Act) -> Out:
        account, now = self._player(act), act["now"]
        quest = self._quest(act)
        progress = account.of(act["quest"])
        if progress.joined_at is not None:
            raise Refused("challenge_joined")
        booked = account.settle(now)
        progress.joined_at = now
        # What was told ahead of its time counts where days are told apart; else it was before the joining.
        today = day_of(self.spec.zone, now)
        progress.counted = [one for one in account.facts if quest.within and one.day > today]
        progress.since = None if quest.looks_back else now
        progress.goal = quest.own(account.spent()) if quest.own is not None else None
        done = Following()
        self._advance(account, [act["quest"]], done, (now, booked))
        account.last_booked = booked
        return self._shown(self._answer("applied", sorted(done.effects), done.skipped()), act["who"], now)

    def _player(self, act: Act) -> Guildsman:
        found = self._account(act["who"], "member_not_found")
        assert isinstance(found, Guildsman)
        return found

    def _leave(self, act: Act) -> Out:
        account, now = self._player(act), act["now"]
        self._quest(act)
        progress = account.of(act["quest"])
        if progress.joined_at is None:
            raise Refused("challenge_not_joined")
        account.last_booked = account.settle(now)
        progress.joined_at = progress.since = None
        return self._shown(self._answer("applied"), act["who"], now)

    def _quest(self, act: Act) -> Quest:
        quest = self.spec.quests.get(act["quest"])
        if quest is None or quest.level:
            raise Refused("challenge_not_found")
        if not quest.opt_in:
            raise Refused("challenge_without_joining")
        return quest

    # --- tiers that operators give

    def _tier(self, act: Act) -> Out:
        account, now, until = self._player(act), act["now"], act["until"]
        booked = account.settle(now)
        names = [tier[0] for tier in self.spec.tiers]
        if act["tier"] not in names:
            raise Refused("unknown_tier")
        if act["tier"] == names[0]:
            raise Refused("tier_for_everybody")
        if until is None:
            raise Refused("until_missing")
        if until <= booked:
            raise Refused("until_passed")
        before = account.level(booked)
        account.given = [(names.index(act["tier"]), until)]
        done = Following()
        if account.level(booked) > before:
            self._follow(account, "raised", done, (now, booked))
        account.last_booked = booked
        return self._shown(self._answer("applied", done.effects), act["who"], now)

    def _untier(self, act: Act) -> Out:
        account, now = self._player(act), act["now"]
        booked = account.settle(now)
        if all(until <= booked for _, until in account.given):
            raise Refused("tier_not_given")
        account.given, account.last_booked = [], booked
        return self._shown(self._answer("applied"), act["who"], now)

    # --- friends

    def _enrol(self, act: Act) -> Out:
        who, by, now = act["who"], act.get("by"), act["now"]
        if who in self.accounts or by is None:
            return super()._enrol(act)
        if by == "typo":
            raise Refused("referral_code_mistyped")
        if by not in self.invited_by():
            raise Refused("referral_code_unknown")
        out = super()._enrol(act)
        self.invitations[who] = Invitation(who, by, (now, len(self.invitations)))
        # The answer tells of the enrolment alone; what the invitation brings is an event of its own.
        self._decide(self.accounts[who], {"type": "referral.joined"}, now, now)
        self.accounts[who].uses["referral:friend", "ever"] += 1
        return self._shown(out, who, now)

    def invited_by(self) -> set[str]:
        """Name who may invite: every member who is still one."""
        return {*self.accounts, *self.became} - self.gone

    def _first(self, account: Guildsman, act: Act, net: Fraction, told: Any) -> None:
        """Look whether an order of somebody who was invited is the one that counts."""
        if not account.uses["referral:friend", "ever"]:
            return
        effects, skipped = told
        key = "referral:first"
        if net < LEAST or net >= MOST or account.uses[key, "ever"]:
            reason = (
                "not_in_audience" if net < LEAST else "condition_false" if net >= MOST else "limit_reached"
            )
            skipped.append((key, reason))
            return
        account.uses[key, "ever"] += 1
        effects.append((key, "note", ""))
        people = {one for one in self.invitations if self.name(one) == act["who"]}
        self.comings.append(Coming(act["who"], net, (self.numbers(act["who"]), len(self.comings)), people))

    def nightly(self, now: datetime) -> None:
        super().nightly(now)
        new = [one for one in self.comings if one.state == "new"]
        for one in sorted(new, key=lambda one: one.place):
            self._look(one, now)

    def _look(self, one: Coming, now: datetime) -> None:
        owner = self.name(one.who)
        done = {each.friend for each in self.comings if each.state == "completed"}
        invited = sorted(
            (each for each in self.invitations.values() if each.friend in one.people),
            key=lambda each: each.place,
        )
        # A friend who was erased since then had come all the same.
        invited = [each for each in invited if each.friend not in done]
        one.state = "refused"
        if not invited or invited[0].advocate in self.gone:
            return
        advocate = self.name(invited[0].advocate)
        one.friend = invited[0].friend
        if advocate == owner:
            return
        one.state = "completed"
        friends = sum(
            each.state == "completed" and self.invitations[each.friend].advocate == invited[0].advocate
            for each in self.comings
        )
        told = {"type": "referral.completed", "friends": friends, "net": one.net}
        self._decide(self.accounts[advocate], told, now, now)

    def _erase(self, act: Act) -> Out:
        who, gone = act["who"], gone_name(act["who"], act["now"])
        out = super()._erase(act)
        # Whoever joins again under that name is somebody else.
        self.gone.add(gone)
        for one in self.comings:
            one.who, one.friend = (gone if each == who else each for each in (one.who, one.friend))
            one.people = {gone if each == who else each for each in one.people}
        for invited in [one for one in self.invitations.values() if who in (one.friend, one.advocate)]:
            del self.invitations[invited.friend]
            invited.friend = gone if invited.friend == who else invited.friend
            invited.advocate = gone if invited.advocate == who else invited.advocate
            self.invitations[invited.friend] = invited
        return out

    def _merge(self, act: Act) -> Out:
        gone, into = act["who"], self.name(act["into"])
        mine, theirs = self.accounts.get(gone), self.accounts.get(into)
        out = super()._merge(act)
        assert mine is not None
        assert theirs is not None
        theirs.take_in_play(mine)
        return out

    # --- good causes

    def most_of(self, reward: str) -> int:
        return 1_000_000 if reward == "well" else super().most_of(reward)

    def _take_reward(self, who: str, account: Account, when: Any, act: Act) -> str:
        if act["reward"] == "ticket" and 1 <= act["quantity"] <= 1000:
            raise Refused("reward_not_for_sale")
        taken = super()._take_reward(who, account, when, act)
        if act["reward"] == "well":
            given = WORTH * act["quantity"]
            room = self.spec.match - sum(one.matched for one in self.gifts.values())
            matched = rounded(min(Fraction(given, 2), Fraction(max(room, 0))), "half_up")
            self.gifts[act["ref"]] = Gift(given, matched)
            self.receipts += 1
        return taken

    def _issued(self, act: Act) -> Taking:
        taking = self.takings.get(act["ref"])
        if taking is not None and (taking.reward, taking.status) == ("well", "used"):
            raise Refused("donation_paid_out")
        return super()._issued(act)

    def _free(self, taking: Any, account: Account, day: date) -> None:
        super()._free(taking, account, day)
        for ref, one in list(self.takings.items()):
            if one is taking:
                self.gifts.pop(ref, None)

    def pay_out(self, month: date) -> str:
        """Pay the charity for a month that is over; give the code of a refusal, or nothing."""
        mine = {
            ref: one
            for ref, one in self.gifts.items()
            if one.paid == 0 and self.takings[ref].taken_on.replace(day=1) == month
        }
        if not mine:
            return "nothing_due"
        for ref, one in mine.items():
            one.paid = one.given + one.matched
            self.takings[ref].status = "used"
        return ""

    def causes(self) -> dict[str, Fraction]:
        """What the counters of the cause say."""
        given, matched = (
            (
                sum(each)
                for each in zip(*((one.given, one.matched) for one in self.gifts.values()), strict=True)
            )
            if self.gifts
            else (0, 0)
        )
        figures = {"given": Fraction(given, 100), "matched": Fraction(matched, 100)}
        return {**figures, "donations": Fraction(len(self.gifts)), "receipts": Fraction(self.receipts)}
