"""What must come out: tiny, slow, and knowing nothing of the engine."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from fractions import Fraction
from typing import Any

from tests.world.accounts import Account, Lot, Moved, Refused, When, rounded, split, units_text
from tests.world.days import NEVER, after, day_of
from tests.world.programs import Campaign, Reward, Spec

Act = dict[str, Any]
Out = dict[str, Any]
Effect = tuple[str, str, str]
"""Campaign, what it did, and how much or which."""
Skipped = tuple[str, str]


@dataclass
class Taking:
    """A redemption."""

    who: str
    reward: str
    quantity: int
    parts: list[Moved]
    taken_on: date
    expires_at: datetime
    status: str = "issued"


@dataclass
class Occasion:
    """What a campaign sees."""

    act: Act
    account: Account
    day: date
    net: Fraction = Fraction(0)
    rate: Fraction = Fraction(1)

    def recent(self, days: int) -> int:
        return self.account.recent(self.day, days)


@dataclass
class Known:
    """An event that was taken in."""

    body: Any
    out: Out
    who: str | None
    order: Any = None


class Model:
    """One program and all its accounts."""

    def __init__(self, spec: Spec) -> None:
        self.spec = spec
        self.accounts: dict[str, Account] = {}
        self.shared: Counter[tuple[str, str]] = Counter()
        self.budgets: dict[tuple[str, str], Fraction] = {}
        self.events: dict[tuple[str, str], Known] = {}
        self.orders: dict[tuple[str, str], Known] = {}
        self.takings: dict[str, Taking] = {}
        self.calls: dict[str, tuple[datetime, Out]] = {}
        self.became: dict[str, str] = {}
        """Whose account somebody's went into."""

    # --- acts

    def act(self, act: Act) -> Out:
        """Let something happen, and give the answer that the engine must give."""
        said = {"said": act["who"], "who": self.name(act["who"])} if act.get("who") is not None else {}
        act = {**act, **said, **({"to": self.name(act["to"])} if "to" in act else {})}
        called = self.calls.get(act.get("once", ""))
        if called is not None and act["now"] < called[0] + timedelta(hours=24):
            return called[1]
        touched = [self.accounts[who] for who in (act.get("who"), act.get("to")) if who in self.accounts]
        before = [account.units() for account in touched]
        try:
            out: Out = getattr(self, f"_{act['do']}")(act)
        except Refused as refused:
            for account, units in zip(touched, before, strict=True):
                account.lots, account.idle = units
            return {"status": "rejected", "code": str(refused)}
        if "once" in act:
            self.calls[act["once"]] = (act["now"], out)
        return out

    def name(self, who: str) -> str:
        """Give the name of the account that stands for somebody's."""
        while who in self.became:
            who = self.became[who]
        return who

    def change(self, spec: Spec) -> None:
        """Another version of the program stands from now on."""
        self.spec = spec
        for account in self.accounts.values():
            account.spec = spec

    def touched(self, act: Act) -> set[str]:
        """Name the accounts that an act may have changed."""
        if act["do"] == "nightly":
            return set(self.accounts)
        taking = self.takings.get(act.get("ref", ""))
        names = {self.name(act.get("who") or ""), self.name(act.get("to", ""))}
        names |= {self.name(act.get("into", "")), taking.who if taking is not None else ""}
        if act["do"] == "erase":
            names = {gone_name(act["who"], act["now"])}
        return {who for who in names if who in self.accounts}

    def _event(self, act: Act) -> Out:
        now, at = act["now"], act["time"]
        if not act.get("historical") and at > now + timedelta(hours=24):
            raise Refused("time_in_future")
        booked = at if act.get("historical") else now
        who = act["who"]
        if who is not None and who not in self.accounts and not act.get("enrol"):
            raise Refused("member_not_found")
        again = self._again(act, who, booked)
        if again is not None:
            return again
        if who is None:
            out = self._answer("applied", guest=True)
        else:
            account = self.accounts.get(who)
            if act.get("historical") and account and account.last_booked and account.last_booked > at:
                raise Refused("account_has_later_history")
            if account is None:
                account = self._new(who)
            effects, skipped, late = self._decide(account, act, at, booked)
            out = self._answer("applied", effects, skipped, late=late)
        known = Known(_body(act), out, act.get("said", who), act.get("lines"))
        self.events[act["source"], act["id"]] = known
        if act["type"] == "order.paid":
            self.orders[act["source"], act["order"]] = known
        return self._shown(out, who, booked)

    def _again(self, act: Act, who: str | None, now: datetime) -> Out | None:
        known = self.events.get((act["source"], act["id"]))
        if known is not None:
            if known.body != _body(act):
                raise Refused("event_id_reused")
        elif act["type"] == "order.paid":
            known = self.orders.get((act["source"], act["order"]))
            if known is not None and (known.who, known.order) != (act.get("said", who), act["lines"]):
                raise Refused("order_already_paid")
        if known is None:
            return None
        return self._shown({**known.out, "status": "duplicate", "guest": False}, who, now)

    def _enrol(self, act: Act) -> Out:
        who, now = act["who"], act["now"]
        if who in self.accounts:
            return self._shown(self._answer("duplicate"), who, now)
        welcome = {"type": "member.enrolled"}
        effects, skipped, late = self._decide(self._new(who), welcome, now, now)
        return self._shown(self._answer("applied", effects, skipped, late=late, created=True), who, now)

    def _redeem(self, act: Act) -> Out:
        who, now = act["who"], act["now"]
        account = self._account(who, "member_not_found")
        booked = account.settle(now)
        effect = self._take_reward(who, account, (now, booked), act)
        account.last_booked = booked
        return self._shown(self._answer("applied", [("", "redeem", effect)]), who, now)

    def _cancel(self, act: Act) -> Out:
        taking, now = self._issued(act), act["now"]
        account = self.accounts[taking.who]
        booked = account.settle(now)
        lasts = after(self.spec.zone, now, ("days", 30))
        for wallet, available_at, expires_at, amount in taking.parts:
            account.give(wallet, Lot(available_at, max(expires_at, lasts), amount), (now, booked))
        taking.status = "cancelled"
        self._free(taking, account, taking.taken_on)
        account.last_booked = booked
        return self._shown(self._answer("applied"), taking.who, now)

    def _free(self, taking: Taking, account: Account, day: date) -> None:
        name, month = f"reward {taking.reward}", _month(day)
        self.shared[f"stock {taking.reward}", "ever"] -= taking.quantity
        self.shared[name, month] -= min(taking.quantity, self.shared[name, month])
        account.uses[name, month] -= min(taking.quantity, account.uses[name, month])

    def _use(self, act: Act) -> Out:
        taking = self._issued(act)
        if taking.expires_at <= act["now"]:
            raise Refused("redemption_expired")
        taking.status = "used"
        return self._shown(self._answer("applied"), taking.who, act["now"])

    def _issued(self, act: Act) -> Taking:
        taking = self.takings.get(act["ref"])
        if taking is None:
            raise Refused("redemption_not_found")
        if taking.status != "issued":
            raise Refused(f"redemption_{taking.status}")
        return taking

    def _adjust(self, act: Act) -> Out:
        if not act["reason"].strip():
            raise Refused("reason_missing")
        account, now = self._account(act["who"]), act["now"]
        self._check_wallet(act["wallet"])
        if act["amount"] == 0:
            raise Refused("amount_invalid")
        booked = account.settle(now)
        if act["amount"] < 0:
            account.check_funds({act["wallet"]: -act["amount"]}, booked)
            account.take(act["wallet"], -act["amount"], (now, booked))
        else:
            begins = after(self.spec.zone, now, ("days", 0))
            account.award(act["wallet"], act["amount"], begins, (now, booked))
        account.last_booked = booked
        return self._shown(self._answer("applied"), act["who"], now)

    def _send(self, act: Act) -> Out:
        account, other, now = self._account(act["who"]), self._account(act["to"]), act["now"]
        self._check_wallet(act["wallet"])
        if act["amount"] <= 0:
            raise Refused("amount_invalid")
        if other is account:
            raise Refused("same_account")
        booked, there = account.settle(now), other.settle(now)
        account.check_funds({act["wallet"]: act["amount"]}, booked)
        for wallet, available_at, expires_at, amount in account.take(
            act["wallet"], act["amount"], (now, booked)
        ):
            other.give(wallet, Lot(available_at, expires_at, amount), (now, there))
        account.last_booked, other.last_booked = booked, there
        return self._shown(self._answer("applied"), act["who"], now)

    def _erase(self, act: Act) -> Out:
        """The person is forgotten; the account stays, under a name that nobody can call it by."""
        who = act["who"]
        account = self._account(who, "member_not_found")
        gone = gone_name(who, act["now"])
        self.accounts[gone] = account
        del self.accounts[who]
        for taking in self.takings.values():
            taking.who = gone if taking.who == who else taking.who
        return self._answer("applied")

    def _merge(self, act: Act) -> Out:
        """All that an account has goes to another one; nothing is awarded, and nothing is an activity."""
        gone, into, now = act["who"], self.name(act["into"]), act["now"]
        mine, theirs = self._account(gone), self._account(into)
        if mine is theirs:
            raise Refused("same_account")
        mine.settle(now)
        booked = theirs.settle(now)
        theirs.take_in(mine, booked)
        del self.accounts[gone]
        self.became[gone] = into
        for taking in self.takings.values():
            taking.who = into if taking.who == gone else taking.who
        return self._shown(self._answer("applied"), into, now)

    def _tick(self, act: Act) -> Out:
        self._account(act["who"]).tick(act["now"])
        return self._shown(self._answer("applied"), act["who"], act["now"])

    def nightly(self, now: datetime) -> None:
        for account in self.accounts.values():
            account.tick(now)

    # --- decisions

    def _decide(
        self, account: Account, act: Act, at: datetime, booked: datetime
    ) -> tuple[list[Effect], list[Skipped], bool]:
        now = account.settle(booked)
        late = account.last_occurred is not None and at < account.last_occurred
        seen = Occasion(act, account, day_of(self.spec.zone, at))
        seen.rate = self.spec.tiers[account.level(now)][2]
        if act["type"] == "order.paid":
            seen.net = Fraction(sum(self._line(line) for line in act["lines"]), 10**self.spec.digits)
            account.orders.append((seen.day, seen.net))
        effects, skipped = self._campaigns(seen, (at, now))
        account.last_occurred = max(at, account.last_occurred or at)
        account.last_booked = now
        return effects, skipped, late

    def _line(self, line: list[str]) -> int:
        quantity, price = line
        return rounded(Fraction(quantity) * Fraction(price) * 10**self.spec.digits, "half_up")

    def _campaigns(self, seen: Occasion, when: When) -> tuple[list[Effect], list[Skipped]]:
        chosen, skipped = self._choose(seen)
        did: dict[str, list[Effect]] = {key: [] for key, _ in chosen}
        reasons = dict.fromkeys(did, "nothing_to_award")
        for key, (wallet, asked) in self._awards(chosen, seen).items():
            units = self._within_budget(key, wallet, asked, seen.day) if asked else 0
            if units < asked and not units:
                reasons[key] = "budget_spent"
            room = seen.account.room(wallet, seen.day, when[1])
            if units and room is not None:
                units = min(units, room)
                seen.account.earned[wallet, seen.day] += units
                reasons[key] = reasons[key] if units else "earning_limit"
            if units:
                pending = self.spec.campaigns[key].pending or self.spec.wallets[wallet].pending
                seen.account.award(wallet, units, after(self.spec.zone, when[0], pending), when)
                did[key].append((key, f"award {wallet}", units_text(units, self.spec.wallets[wallet].scale)))
        for key, campaign in chosen:
            did[key] += self._more(key, campaign, seen.account, when)
            if did[key]:
                self._count_use(key, campaign, seen)
            else:
                more = "condition_false" if campaign.redeems else "badge_held" if campaign.badge else ""
                skipped.append((key, more or reasons[key]))
        return sorted(one for effects in did.values() for one in effects), sorted(skipped)

    def _choose(self, seen: Occasion) -> tuple[list[tuple[str, Campaign]], list[Skipped]]:
        chosen, skipped = [], []
        for key, campaign in sorted(self.spec.campaigns.items()):
            if campaign.trigger != seen.act["type"]:
                continue
            reason = self._why_not(key, campaign, seen)
            if reason:
                skipped.append((key, reason))
            else:
                chosen.append((key, campaign))
        multiplied = {one.wallet for _, one in chosen if one.amount and one.amount(seen)}
        for key, campaign in list(chosen):
            if campaign.doubles and campaign.doubles not in multiplied:
                chosen.remove((key, campaign))
                skipped.append((key, "nothing_to_award"))
        return chosen, skipped

    def _why_not(self, key: str, campaign: Campaign, seen: Occasion) -> str:
        if campaign.weekday is not None and seen.day.weekday() != campaign.weekday:
            return "out_of_schedule"
        if campaign.when is not None and not campaign.when(seen):
            return "condition_false"
        month = _period(campaign, seen.day)
        if campaign.per_account is not None and seen.account.uses[key, month] >= campaign.per_account:
            return "limit_reached"
        if campaign.total is not None and self.shared[key, month] >= campaign.total:
            return "limit_reached"
        return ""

    def _count_use(self, key: str, campaign: Campaign, seen: Occasion) -> None:
        period = _period(campaign, seen.day)
        if campaign.per_account is not None:
            seen.account.uses[key, period] += 1
        if campaign.total is not None:
            self.shared[key, period] += 1

    def _awards(self, chosen: list[tuple[str, Campaign]], seen: Occasion) -> dict[str, tuple[str, int]]:
        """Exact sums by wallet, doubled, rounded once, and shared out: wallet and units by campaign."""
        doubled = [campaign.doubles for _, campaign in chosen if campaign.doubles]
        awards: dict[str, tuple[str, int]] = {}
        for wallet, spec in self.spec.wallets.items():
            of_wallet = [
                (key, one.amount(seen)) for key, one in chosen if one.amount and one.wallet == wallet
            ]
            exact = [amount * 2 ** doubled.count(wallet) for _, amount in of_wallet]
            total = rounded(sum(exact, Fraction(0)) * 10**spec.scale, spec.rounding)
            for (key, _), units in zip(of_wallet, split(total, exact), strict=True):
                awards[key] = (wallet, units)
        return awards

    def _within_budget(self, key: str, wallet: str, units: int, day: date) -> int:
        campaign = self.spec.campaigns[key]
        if campaign.budget is None:
            return units
        scale = 10 ** self.spec.wallets[wallet].scale
        spent = self.budgets.get((key, _month(day)), Fraction(0))
        room = rounded((campaign.budget - spent) * scale, "floor")
        granted = units if units <= room else room if campaign.part else 0
        self.budgets[key, _month(day)] = spent + Fraction(granted, scale)
        return granted

    def _more(self, key: str, campaign: Campaign, account: Account, when: When) -> list[Effect]:
        did: list[Effect] = []
        if campaign.doubles:
            did.append((key, "multiply", campaign.doubles))
        if campaign.badge and campaign.badge not in account.badges:
            account.badges.add(campaign.badge)
            did.append((key, "badge", campaign.badge))
        if campaign.redeems:
            reward, wallet, least = campaign.redeems
            while account.usable(wallet, when[1]) >= least:
                for paid, amount in self.spec.rewards[reward].price.items():
                    account.take(paid, amount, when)
                did.append((key, "redeem", reward))
        return did

    def _take_reward(self, who: str, account: Account, when: When, act: Act) -> str:
        now, booked = when
        reward, quantity = self.spec.rewards.get(act["reward"]), act["quantity"]
        if reward is None:
            raise Refused("unknown_reward")
        if not 1 <= quantity <= self.most_of(act["reward"]):
            raise Refused("quantity_invalid")
        if reward.tiers and self.spec.tiers[account.level(booked)][0] not in reward.tiers:
            raise Refused("reward_not_for_tier")
        day = day_of(self.spec.zone, now)
        self._check_counters(account, (act["reward"], reward), quantity, _month(day))
        price = {wallet: each * quantity for wallet, each in reward.price.items()}
        account.check_funds(price, booked)
        parts = [part for wallet, amount in price.items() for part in account.take(wallet, amount, when)]
        account.uses[f"reward {act['reward']}", _month(day)] += quantity
        self.shared[f"reward {act['reward']}", _month(day)] += quantity
        self.shared[f"stock {act['reward']}", "ever"] += quantity
        expires_at = after(self.spec.zone, now, reward.valid) if reward.valid else NEVER
        self.takings[act["ref"]] = Taking(who, act["reward"], quantity, parts, day, expires_at)
        return str(act["reward"])

    def most_of(self, _reward: str) -> int:
        """How many of a reward are taken at once."""
        return 1_000

    def _check_counters(self, account: Account, named: tuple[str, Reward], quantity: int, month: str) -> None:
        key, reward = named
        used, all_used = account.uses[f"reward {key}", month], self.shared[f"reward {key}", month]
        if reward.per_account is not None and used + quantity > reward.per_account:
            raise Refused("limit_reached")
        if reward.total is not None and all_used + quantity > reward.total:
            raise Refused("limit_reached")
        if reward.stock is not None and self.shared[f"stock {key}", "ever"] + quantity > reward.stock:
            raise Refused("out_of_stock")

    # --- odds and ends

    def _new(self, who: str) -> Account:
        self.accounts[who] = Account(self.spec)
        return self.accounts[who]

    def _account(self, who: str, code: str = "account_not_found") -> Account:
        if who not in self.accounts:
            raise Refused(code)
        return self.accounts[who]

    def _check_wallet(self, key: str) -> None:
        if key not in self.spec.wallets:
            raise Refused("unknown_wallet")

    def _answer(self, status: str, effects: Any = (), skipped: Any = (), **flags: bool) -> Out:
        shown = {"late": False, "guest": False, "created": False, **flags}
        return {"status": status, "code": "", "effects": list(effects), "skipped": list(skipped), **shown}

    def _shown(self, out: Out, who: str | None, now: datetime) -> Out:
        return {**out, "balances": self.accounts[who].balances(now) if who is not None else {}}


def _body(act: Act) -> Any:
    kept = {name: value for name, value in act.items() if name not in ("now", "do", "historical", "enrol")}
    # An event stays whose it was told of, whatever account stands for that person by now.
    return {**kept, "who": kept.pop("said", kept["who"])}


def gone_name(who: str, now: datetime) -> str:
    """Name an account whose person was erased."""
    return f"{who} erased {now.isoformat()}"


def _period(campaign: Campaign, day: date) -> str:
    return "ever" if campaign.ever else _month(day)


def _month(day: date) -> str:
    return day.strftime("%Y-%m")
