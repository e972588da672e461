"""An account's history decided again: the same pure step over what is stored of each event."""

from __future__ import annotations

import itertools
from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal
from typing import Any, NamedTuple
from uuid import UUID

import msgspec

from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import Chance
from guerdon.engine.audit.versions import Version
from guerdon.engine.events import marked, pack_decision
from guerdon.engine.replaying.facts import Fact
from guerdon.members.accounts import AccountRow
from guerdon.members.crypto import Vault
from guerdon.rules.decision import Decision
from guerdon.rules.events import CancelRedemption, Event, LeaveFor, TakeIn, Tick
from guerdon.rules.lots import NEVER, sort_lots
from guerdon.rules.needs import needs_of
from guerdon.rules.program import Program
from guerdon.rules.state import AccountState, Bucket, Hold, MemberState, Shared, State, WalletState
from guerdon.rules.step import FOLLOW_ONS, exactly, step
from guerdon.rules.takings import takings_after

_PLENTY = Decimal(10) ** 15
_GUESSED_APART = 6
_DECISIONS = msgspec.json.Decoder(Decision)


class Told(NamedTuple):
    """An event and what was decided on it."""

    event_id: UUID
    member_id: int | None
    fact: Fact
    decision: Decision
    packed: bytes
    """The decision as stored."""


class Decided(NamedTuple):
    """What deciding again came to."""

    decision: Decision
    agrees: bool
    """Whether it is what was stored."""
    takings: Mapping[str, Decimal]
    """What was drawn from each shared counter."""
    bounds: Mapping[str, Decimal]
    """All shared counters that could have been drawn from, each with its bound."""


class Replay:
    """The state of one account as its events, one by one, make it."""

    def __init__(self, vault: Vault, row: AccountRow, people: Mapping[int, MemberState]) -> None:
        """Begin with an account that nothing has happened to.

        Args:
            vault: the tenant's keys, from which chance follows.
            row: the account; what events made of it is not looked at.
            people: the account's members as they are now.
        """
        self._vault = vault
        self._people = people
        self._owner = next((one for one in people.values() if one.role == "owner"), None)
        self._members = row.members
        self._order = ""
        self.metrics_version = 0
        """The version whose metrics are counted from all events so far."""
        self.state = AccountState(account_id=row.account_id, kind=row.kind, created_at=row.created_at)

    def count_anew(self, version: int, buckets: Mapping[tuple[str, date], Bucket]) -> None:
        """Let metrics be what they are counted from the beginning, as before the first decision by a version.

        Args:
            version: the version whose metrics they are.
            buckets: what the account's events came to until then.
        """
        self.metrics_version = version
        self.state = msgspec.structs.replace(self.state, buckets=buckets)

    def decide(self, version: Version, told: Told) -> Decided:
        """Decide one event again and go on from there.

        What other accounts had drawn from shared counters by then is what the decision says was left of them;
        their sums are compared in the end.

        Args:
            version: the one that decided.
            told: the event.

        Returns:
            The decision, and whether it is the stored one.
        """
        program = version.program
        account, member = self._then(program, told)
        needs = (
            needs_of(program, told.fact.event, told.member_id)
            if version.shares or told.decision.left
            else None
        )
        account, elsewhere = _as_held(account, told.decision, needs.counters if needs is not None else {})
        bounds = needs.shared if needs is not None else {}
        events = [one for one in (told.fact.event, told.fact.again) if one is not None]
        first: tuple[State, Decision, dict[str, Decimal]] | None = None
        for event, used in itertools.product(events, list(_guesses(program, told, bounds))):
            with exactly():
                state = State(account, member, Shared(used))
                after, decision = step(program, state, event, self._vault.chance(told.event_id))
            decision = marked(self._vault, told.event_id, decision).ending(told.decision.ended)
            after = _as_if_free(after, elsewhere)
            if _is_same(decision, told):
                return self._go_on(after, Decided(decision, True, _taken(used, after), bounds), told)
            first = first or (after, decision, used)
        assert first is not None, "there is always a first guess"
        after, decision, used = first
        return self._go_on(after, Decided(decision, False, _taken(used, after), bounds), told)

    def after_tick(self, version: Version, at: datetime) -> AccountState | None:
        """Let time pass once more: a tick that only makes units available is not stored as an event.

        Args:
            version: that may have decided it.
            at: when.

        Returns:
            The state after it, None where it would have changed nothing or would have been stored.
        """
        tick = Event("guerdon.tick", at, at, source="guerdon", channel="system", command=Tick())
        state = State(self.state, None, Shared())
        with exactly():
            after, decision = step(version.program, state, tick, Chance(bytes(8)))
        account = after.account
        is_told = decision.transactions or decision.tier_changes
        if is_told or (account.wallets == self.state.wallets and account.tiers == self.state.tiers):
            return None
        return account

    def _go_on(self, after: State, decided: Decided, told: Told) -> Decided:
        # What was taken counts whether or not the reward made wait then: a later version may.
        takings = takings_after(self.state.takings, told.decision, told.fact.event.booked_at)
        if isinstance(told.fact.event.command, LeaveFor | TakeIn):
            takings = after.account.takings
        self.state = msgspec.structs.replace(after.account, takings=takings)
        self.metrics_version = told.decision.version
        return decided

    def _then(self, program: Program, told: Told) -> tuple[AccountState, MemberState | None]:
        """Give the account and its people as they were: decisions record what was read about people."""
        if program.spending_order != self._order:
            self._order = program.spending_order
            wallets = {
                key: msgspec.structs.replace(one, lots=sort_lots(one.lots or (), program.spending_order))
                for key, one in self.state.wallets.items()
            }
            self.state = msgspec.structs.replace(self.state, wallets=wallets)
        inputs, event_type = told.decision.inputs, told.fact.event.type
        triggers = (event_type, *FOLLOW_ONS)
        paths = {path for one in triggers for path in program.inputs_of.get(one, ())}
        # A personal value that the decision did not find was not there then, whatever is there now.
        personal = {path for one in triggers for path in program.personal_of.get(one, ())}
        paths |= personal - set(told.decision.personal)
        owner = self._owner
        acts = self._people.get(told.member_id) if told.member_id is not None else None
        is_owner = acts is not None and owner is not None and acts.member_id == owner.member_id
        if paths:
            kinds = {name: one.type for name, one in program.definition.attributes.items()}
            roots = ("account.owner.", "account.attributes.", *(("member.",) if is_owner else ()))
            owner = owner and _as_recorded(owner, _recorded(paths, roots, inputs), kinds)
            acts = acts and _as_recorded(acts, _recorded(paths, ("member.",), inputs), kinds)
        # Decisions tell owners from others by their being the same object.
        acts = owner if is_owner else acts
        members = str(inputs.get("account.members", self._members))
        count = int(members) if members.isdecimal() else self._members
        return msgspec.structs.replace(self.state, owner=owner, members=count), acts


def _as_held(
    account: AccountState, decision: Decision, bounds: Mapping[str, Decimal]
) -> tuple[AccountState, Mapping[str, Decimal]]:
    """Put back what open checkouts held at the time: the decision tells, for holds leave no trace themselves.

    Returns also what they held of the account's own counters.
    """
    wallets = dict(account.wallets)
    for key, units in decision.held.items():
        wallets[key] = msgspec.structs.replace(wallets.get(key, WalletState(lots=())), held=units)
    elsewhere: dict[str, Decimal] = {}
    counters, holds = dict(account.counters), dict(account.holds)
    for counter, bound in bounds.items():
        if counter in decision.left:
            used = counters.get(counter, Decimal(0))
            held = bound - decision.left[counter] - used
            if held > 0:
                elsewhere[counter], counters[counter] = held, used + held
                hold = Hold("elsewhere", "use", counter, held, NEVER)
                holds[hold.key] = hold
    if not (decision.held or elsewhere):
        return account, elsewhere
    return msgspec.structs.replace(account, wallets=wallets, counters=counters, holds=holds), elsewhere


def _as_if_free(after: State, elsewhere: Mapping[str, Decimal]) -> State:
    """Leave out again what was held elsewhere."""
    account = after.account
    if not elsewhere and not any(one.held for one in account.wallets.values()):
        return after
    wallets = {
        key: msgspec.structs.replace(one, held=0) if one.held else one for key, one in account.wallets.items()
    }
    counters = dict(account.counters)
    for counter, held in elsewhere.items():
        counters[counter] -= held
        if not counters[counter]:
            del counters[counter]
    account = msgspec.structs.replace(account, wallets=wallets, counters=counters, holds={})
    return msgspec.structs.replace(after, account=account)


def _recorded(paths: set[str], roots: tuple[str, ...], inputs: Mapping[str, Any]) -> dict[str, Any]:
    """Find what was recorded about a person: by field, None where it was absent."""
    found: dict[str, Any] = {}
    for path in sorted(paths):
        for root in roots:
            if path.startswith(root):
                name = path.removeprefix(root)
                name = f"attributes.{name}" if root == "account.attributes." else name
                found[name] = inputs.get(path)
    return found


def _as_recorded(person: MemberState, recorded: Mapping[str, Any], kinds: Mapping[str, str]) -> MemberState:
    try:
        return _with_recorded(person, recorded, kinds)
    except (ValueError, TypeError, AttributeError, ArithmeticError):
        # What was recorded is damaged: the decision will not come out the same, and that is told.
        return person


def _with_recorded(person: MemberState, recorded: Mapping[str, Any], kinds: Mapping[str, str]) -> MemberState:
    attributes, consents = dict(person.attributes), dict(person.consents)
    plain: dict[str, Any] = {}
    for path, text in recorded.items():
        name, _, part = path.partition(".")
        if name == "attributes" and part:
            attributes.pop(part, None) if text is None else attributes.update(
                {part: _parsed(text, kinds.get(part, "string"))}
            )
        elif name == "consents" and part:
            consents.pop(part, None) if text is None else consents.update({part: text == "true"})
        elif name == "consents":
            consents = {topic: given == "true" for topic, given in text.items()} if text else {}
        elif name == "joined_at":
            plain[name] = datetime.fromisoformat(text) if text else None
        elif name in ("language", "role", "birthday"):
            plain[name] = text or ""
    return msgspec.structs.replace(person, attributes=attributes, consents=consents, **plain)


def _parsed(text: Any, kind: str) -> Any:
    """Read an attribute as decisions record it."""
    if kind == "bool":
        return text == "true"
    if kind == "int":
        return int(text)
    if kind == "decimal":
        return Decimal(text)
    if kind.startswith("list("):
        return [_parsed(one, kind.removeprefix("list(").removesuffix(")")) for one in text]
    return text


def _guesses(program: Program, told: Told, bounds: Mapping[str, Decimal]) -> Iterator[dict[str, Decimal]]:
    """Tell what of shared counters was used: the decision keeps what it found.

    Those of earlier releases did not. For them it is guessed: nothing, or all but what the decision drew.
    """
    if told.decision.left:
        left = told.decision.left
        yield {counter: bound - left[counter] for counter, bound in bounds.items() if counter in left}
        return
    if isinstance(told.fact.event.command, CancelRedemption):
        # What is given back was taken before.
        yield dict.fromkeys(bounds, _PLENTY)
        return
    yield {}
    if not bounds:
        return
    drawn = {key: bound - drawn_by(program, key, told.decision) for key, bound in bounds.items()}
    yield drawn
    if len(drawn) <= _GUESSED_APART:
        for count in range(1, len(drawn)):
            for some in itertools.combinations(drawn, count):
                yield {key: drawn[key] for key in some}


def drawn_by(program: Program, counter: str, decision: Decision) -> Decimal:
    """Work out what a decision drew from a shared counter, from its effects alone.

    Args:
        program: the version that decided.
        counter: the counter's key.
        decision: what was decided.

    Returns:
        How much, in the counter's unit.
    """
    kind, owner, what = counter.split("/")[:3]
    if kind == "reward":
        quantity = sum(one.quantity for one in decision.redemptions if one.reward == owner)
        cost = program.rewards[owner].cost if what == "budget" else None
        return Decimal(quantity) * (cost if cost is not None else 1)
    if what == "total":
        return Decimal(any(effect.campaign == owner for effect in decision.effects))
    amount = Decimal(0)
    for effect in decision.effects:
        if (
            effect.campaign == owner
            and effect.kind == "award"
            and what in ("budget", f"budget.{effect.wallet}")
        ):
            wallet = program.wallets[effect.wallet]
            each = (wallet.cost or Decimal(0)) if what == "budget" else Decimal(1)
            amount += scaled_decimal(effect.amount, wallet.scale) * each
        if effect.campaign == owner and effect.kind == "grant" and what == "budget":
            amount += program.rewards[effect.reward].cost or Decimal(0)
    return amount


def _taken(used: Mapping[str, Decimal], after: State) -> dict[str, Decimal]:
    return {
        key: delta for key, now in after.shared.counters.items() if (delta := now - used.get(key, Decimal(0)))
    }


def _is_same(decision: Decision, told: Told) -> bool:
    packed = pack_decision(decision)
    if packed == told.packed:
        return True
    # Stored by an earlier release, it may lack fields; it must not have others.
    known = msgspec.json.decode(pack_decision(told.decision))
    again = _DECISIONS.decode(packed)
    return _ordered(again) == _ordered(told.decision) and _is_within(msgspec.json.decode(told.packed), known)


def _is_within(part: Any, whole: Any) -> bool:
    if isinstance(part, dict) and isinstance(whole, dict):
        return all(name in whole and _is_within(one, whole[name]) for name, one in part.items())
    if isinstance(part, list) and isinstance(whole, list):
        return len(part) == len(whole) and all(map(_is_within, part, whole))
    return bool(part == whole)


def _ordered(decision: Decision) -> Decision:
    """Put in order what gathering reads in no order: wallets that expire together, badges that are listed."""
    expired = list(itertools.takewhile(lambda one: one.kind == "expire", decision.transactions))
    rest = decision.transactions[len(expired) :]
    expired.sort(key=lambda one: (one.wallet, one.effective_at))
    inputs = dict(decision.inputs)
    for path, listed in decision.inputs.items():
        if path.endswith("account.badges"):
            inputs[path] = sorted(listed)
    return msgspec.structs.replace(decision, transactions=(*expired, *rest), inputs=inputs)
