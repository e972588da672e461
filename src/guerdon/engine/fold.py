"""The fold of a batch: each command in order of arrival changes the state that the next one finds."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any
from uuid import UUID

import msgspec
import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import Chance, number_text
from guerdon.engine import answers
from guerdon.engine.answers import Answer
from guerdon.engine.checkouts.gathering import ANOTHERS
from guerdon.engine.commands import (
    CancelCheckout,
    CancelRedemption,
    ChooseReward,
    ClaimGiftCard,
    ConfirmCheckout,
    EnrolMember,
    IngestEvent,
    IssueCards,
    MergeAccounts,
    OpenCheckout,
    PreviewCart,
    ReleaseHolds,
    ReplaceGiftCard,
    ReturnOrder,
    RunTick,
    SendRedemption,
    SetCardBlocked,
    TopUpCard,
    TransferUnits,
    UseRedemption,
)
from guerdon.engine.events import marked
from guerdon.engine.folding.blocking import block, replace_card, top_up
from guerdon.engine.folding.cards import (
    check_untouched,
    claim,
    empty_cards,
    give_cards,
    issue_cards,
    with_cards,
    with_codes,
)
from guerdon.engine.folding.checkouts import cancel, confirm, end_others, open_, preview, release_lapsed
from guerdon.engine.folding.choosing import choose
from guerdon.engine.folding.folded import Applied, Folded, LotsMissing
from guerdon.engine.folding.joining import join
from guerdon.engine.folding.known import Known
from guerdon.engine.folding.merging import merge
from guerdon.engine.folding.returns import take_return
from guerdon.engine.gather import Gathered
from guerdon.engine.intake import Item, public_form, stored_form
from guerdon.engine.keys import KnownCall
from guerdon.rewards.redemptions import Redemption, step_of
from guerdon.rules import events
from guerdon.rules.capturing import for_guest
from guerdon.rules.checkout import release
from guerdon.rules.decision import Decision, Transaction
from guerdon.rules.events import Event, ReceiveUnits, Send, SendUnits, TakeCapture, Use, asked_by
from guerdon.rules.holds import give_back_units, lapsed
from guerdon.rules.program import Program
from guerdon.rules.settling import lots_missing
from guerdon.rules.state import AccountState, Lot, MemberState, Shared, State
from guerdon.rules.step import step

_LOG = structlog.get_logger(__name__)
_ANSWERS = msgspec.json.Decoder(Answer)


def fold(gathered: Gathered) -> Folded:
    """Decide all commands of a batch.

    Args:
        gathered: what was read; it is not changed.

    Returns:
        States, decisions and answers.

    Raises:
        LotsMissing: when more has to be gathered first.
    """
    return _Fold(gathered).run()


class _Fold:
    def __init__(self, gathered: Gathered) -> None:
        self.gathered = gathered
        self.place = gathered.place
        self.program = gathered.place.program
        self.done = Folded(gathered)
        self.known = Known(gathered)

    def run(self) -> Folded:
        for item in self.gathered.items:
            settled = item.job.settled
            if isinstance(settled, Exception):
                self.done.failed.append((item, settled))
                continue
            try:
                answer = self.answer(item) if settled is None else settled
            except Problem as problem:
                answer = answers.refused(item.sent_id, problem)
            except LotsMissing:
                raise
            except Exception as error:  # noqa: BLE001 - logged; it alone goes to quarantine
                _LOG.exception(
                    "step_failed", kind=type(item.job.command).__name__, fault=type(error).__name__
                )
                self.done.failed.append((item, error))
                continue
            self.done.answers.append((item.job, answer))
        return self.done

    def answer(self, item: Item) -> Answer:
        """Answer a command, once for each Idempotency-Key."""
        once = item.job.command.once
        if once is None:
            return with_codes(self.place.vault, with_cards(self, item, self.act(item)))
        pair = (once.scope, once.key)
        known = self.gathered.calls.get(pair)
        if known is None and pair in self.done.calls:
            known = self.done.calls[pair][0]
        if known is not None:
            if known.body_hash != once.body_hash:
                raise Problem("idempotency_key_reused", "this Idempotency-Key came with another body before")
            return with_codes(self.place.vault, _ANSWERS.decode(known.answer))
        answer = with_cards(self, item, self.act(item))
        if answer.status != "rejected":
            stored = msgspec.json.encode(answer)
            self.done.calls[pair] = (KnownCall(once.body_hash, stored), item.job.command.received_at)
        return with_codes(self.place.vault, answer)

    def act(self, item: Item) -> Answer:
        if item.problem is not None:
            raise item.problem
        if item.account_id and item.account_id not in self.done.accounts:
            if isinstance(item.job.command, TopUpCard | SetCardBlocked | ReplaceGiftCard):
                raise Problem("gift_card_not_found", "there is no such gift card")
            raise Problem("account_not_found", "there is no such account")
        return _ACTS.get(type(item.job.command), _Fold.decide)(self, item)

    def ingest(self, item: Item) -> Answer:
        """Take in an event, unless it or its order was taken in before."""
        event = item.event
        assert event is not None
        if isinstance(event.command, events.ReturnOrder):
            return take_return(self, item)
        body, body_hash = stored_form(item, item.member_id)
        again = self.known.find_event(item, body_hash)
        if again is not None:
            return self.shown(item, again, "duplicate")
        if item.is_guest:
            decision = Decision(version=self.program.version)
            applied = Applied(item, item.job.event_ids[0], event, decision)
            answer = answers.decided(self.program, item.sent_id, "applied", decision)
            answer = msgspec.structs.replace(answer, guest=True)
        else:
            self.check_history(item, event)
            applied = self.step(item, event, item.job.event_ids[0])
            applied.decision = applied.decision.ending(end_others(self, item))
            answer = self.shown(item, applied.decision, "applied")
        applied.body, applied.body_hash = body, body_hash
        applied.public = public_form(item, self.program)
        self.done.applied.append(applied)
        self.known.remember(item, applied)
        return answer

    def check_history(self, item: Item, event: Event) -> None:
        if not item.job.command.historical:
            return
        last = self.done.accounts[item.account_id].last_booked_at
        if last is not None and last > event.booked_at:
            detail = "history can only be imported for accounts that have no later history"
            raise Problem("account_has_later_history", detail)

    def decide(self, item: Item) -> Answer:
        """Carry out a command about one account."""
        event = item.event
        assert event is not None
        before = self.done.accounts[item.account_id]
        applied = self.step(item, event, item.job.event_ids[0])
        decision = applied.decision
        if isinstance(item.job.command, RunTick) and not (decision.transactions or decision.tier_changes):
            # Units may have become available, which the wallet's row tells; nothing else is worth a word.
            after = self.done.accounts[item.account_id]
            # What lapsed is let go without a word either, and the account's clock stays where it was.
            held = release(self.program, State(before, None, Shared()), event).account
            if after.wallets == held.wallets and after.tiers == before.tiers:
                self.done.accounts[item.account_id] = held if held.holds is not before.holds else before
            return self.shown(item, decision, "applied")
        self.keep(applied)
        return self.shown(item, decision, "applied", applied)

    def enrol(self, item: Item) -> Answer:
        event = item.event
        assert event is not None and item.member_id is not None  # noqa: PT018 - enrolled in gather
        if not item.is_new:
            return self.shown(item, Decision(version=self.program.version), "duplicate")
        applied = self.step(item, event, item.job.event_ids[0])
        self.keep(applied)
        join(self, item)
        answer = self.shown(item, applied.decision, "applied", applied)
        return msgspec.structs.replace(answer, created=True)

    def transfer(self, item: Item) -> Answer:
        """Let units leave one account and arrive at the other, or neither."""
        event = item.event
        if item.other_account not in self.done.accounts:
            raise Problem.at("/to", "account_not_found", "there is no such account to send to")
        assert event is not None
        accounts, next_seq = dict(self.done.accounts), dict(self.done.next_seq)
        shared = (self.done.shared, self.done.shared_holds)
        sent_id, received_id = item.job.event_ids
        try:
            sent = self.step(item, event, sent_id)
            asked: SendUnits = event.command  # type: ignore[assignment]  # what intake made of a transfer
            lots = _lots_sent(sent.decision.transactions)
            arriving = ReceiveUnits(asked.wallet, lots, item.account_id)
            received_event = msgspec.structs.replace(event, type="guerdon.receive", command=arriving)
            other = Item(item.job)
            other.account_id, other.event = item.other_account, received_event
            received = self.step(other, received_event, received_id)
        except Exception:
            self.done.accounts, self.done.next_seq = accounts, next_seq
            self.done.shared, self.done.shared_holds = shared
            raise
        self.keep(sent)
        self.keep(received)
        return self.shown(item, sent.decision, "applied", sent)

    def cancel(self, item: Item) -> Answer:
        taken = self.still_issued(item)
        now = item.job.command.received_at
        check_untouched(self, taken.redemption_id, now)
        answer = self.decide(item)
        empty_cards(self, item, (taken.redemption_id,), now)
        command = item.job.command
        self.done.statuses[taken.redemption_id] = taken.moved("cancelled", command.received_at, command.by)
        return answer

    def use(self, item: Item) -> Answer:
        taken = self.still_issued(item)
        now = item.job.command.received_at
        # Money that was given is paid out, whatever the reward says of how long it can be used.
        if taken.expires_at is not None and taken.expires_at <= now and taken.kind != "donation":
            raise Problem("redemption_expired", "this redemption could be used until it expired")
        by = item.job.command.by
        self.done.statuses[taken.redemption_id] = taken.moved("used", now, by)
        return self.noted(item, "guerdon.use_redemption", Use(item.redemption_id, by))

    def send_out(self, item: Item) -> Answer:
        taken = self.still_issued(item)
        command = item.job.command
        # Where to look for a parcel may be corrected; the same said again is a mistake.
        if taken.status == "sent" and command.tracking in ("", taken.tracking):
            raise Problem("redemption_sent", "this redemption is sent already")
        moved = taken.moved("sent", command.received_at, command.by, command.tracking)
        self.done.statuses[taken.redemption_id] = moved
        sent = Send(item.redemption_id, command.tracking, command.by)
        return self.noted(item, "guerdon.send_redemption", sent)

    def noted(self, item: Item, name: str, command: Use | Send) -> Answer:
        """Keep what became of a redemption."""
        now = item.job.command.received_at
        event = Event(name, now, now, source="guerdon", channel="system", command=command)
        applied = Applied(item, item.job.event_ids[0], event, Decision(version=self.program.version))
        # It posts nothing, and yet it has its place in the account's history.
        applied.first_seq = self.done.next_seq[item.account_id]
        self.keep(applied)
        return self.shown(item, applied.decision, "applied")

    def still_issued(self, item: Item) -> Redemption:
        taken = self.done.statuses.get(item.redemption_id)
        if taken is None:
            raise Problem("redemption_not_found", "there is no such redemption")
        if taken.status == "used" and taken.kind == "donation":
            detail = "the charity was paid: this donation cannot be given back any more"
            raise Problem("donation_paid_out", detail)
        if not taken.is_open:
            raise Problem(f"redemption_{taken.status}", f"this redemption is {taken.status} already")
        name, now = str(taken.redemption_id), item.job.command.received_at
        held = self.done.accounts[item.account_id].holds.values()
        names = (("redemption", name), ("use", f"redemption/{name}/money"))
        if any((one.kind, one.name) in names and one.expires_at > now for one in held):
            detail = "an open checkout holds this redemption; cancel the checkout, or wait until it lapses"
            raise Problem("redemption_held", detail)
        return taken

    @property
    def standing(self) -> Folded:
        """What the batch has come to, as checkouts see it."""
        return self.done

    def member_of(self, item: Item) -> MemberState | None:
        """Give who acts."""
        loaded = self.gathered.members.by_id.get(item.member_id) if item.member_id is not None else None
        return loaded.state if loaded is not None else None

    def settled_for(self, item: Item, event: Event) -> None:
        """Make sure that an account can be settled."""
        before = self.done.accounts.get(item.account_id)
        if before is not None and lots_missing(self.program, before, event.booked_at):
            raise LotsMissing(item.account_id)

    def paid_before(self, item: Item, event: Event) -> UUID | None:
        """Tell which event paid the order of this one before."""
        assert event.order is not None
        known = self.known.find_order((event.source, event.order.id), item.account_id)
        if known is not None and item.account_id and known.account_id not in (0, item.account_id):
            raise Problem("order_of_another_member", ANOTHERS)
        return known.event_id if known is not None else None

    def take(self, item: Item, event: Event, *, is_order: bool) -> tuple[Decision, UUID]:
        """Decide what confirms a checkout and keep it to be stored."""
        if item.account_id:
            applied = self.step(item, event, item.job.event_ids[0])
        else:
            applied = self.step_guest(item, event)
        if is_order:
            applied.body, applied.body_hash = stored_form(item, item.member_id)
            applied.public = public_form(item, self.program)
            applied.decision = applied.decision.ending(end_others(self, item))
            self.done.applied.append(applied)
            self.known.remember(item, applied)
        else:
            self.keep(applied)
        now = event.booked_at
        for number in applied.decision.used:
            taken = self.done.statuses[number]
            self.done.statuses[number] = taken.moved("used", now)
        return applied.decision, applied.event_id

    def step_guest(self, item: Item, event: Event) -> Applied:
        """Let a guest's order take what its checkout held of shared counters; nobody earns."""
        state = State(AccountState(0), None, Shared(self.done.shared, self.done.shared_holds))
        event_id = item.job.event_ids[0]
        program, chance = self._deciding(event), self._chance(event_id)
        after, decision = step(program, state, for_guest(event), chance)
        self.done.shared, self.done.shared_holds = after.shared.counters, after.shared.holds
        return Applied(item, event_id, event, marked(self.place.vault, event_id, decision))

    def step(self, item: Item, event: Event, event_id: UUID) -> Applied:
        """Decide one event about one account; a refusal is raised."""
        before = self.done.accounts[item.account_id]
        if lots_missing(self.program, before, event.booked_at):
            raise LotsMissing(item.account_id)
        shared = Shared(self.done.shared, self.done.shared_holds)
        state = State(before, self.member_of(item), shared)
        after, decision = step(self._deciding(event), state, event, self._chance(event_id))
        if decision.problem_code:
            raise _refusal(decision)
        applied = Applied(item, event_id, event, marked(self.place.vault, event_id, decision))
        self.done.accounts[item.account_id] = after.account
        self.done.shared, self.done.shared_holds = after.shared.counters, after.shared.holds
        count = len(decision.transactions)
        applied.first_seq = self.done.next_seq[item.account_id]
        self.done.next_seq[item.account_id] += count
        applied.transaction_ids = tuple(self.place.ids.uuid() for _ in range(count))
        if decision.redemptions:
            applied.redemptions = [self.redemption(applied, one) for one in decision.redemptions]
            give_cards(self, item, applied)
        return applied

    def _deciding(self, event: Event) -> Program:
        """Give the program that decides: what a checkout promised is taken by the one that priced it."""
        taken = event.captured
        return self.program if taken is None else self.place.pinned(taken.version)

    def _chance(self, event_id: UUID) -> Chance:
        # Codes must not follow from ids that anybody can see, and yet come out the same when asked again.
        return self.place.vault.chance(event_id)

    def redemption(self, applied: Applied, one: Any) -> Redemption:
        seqs = [
            applied.first_seq + place
            for place, transaction in enumerate(applied.decision.transactions)
            if transaction.redemption_id == one.redemption_id
        ]
        booked_at = applied.event.booked_at
        return Redemption(
            applied.account_id,
            one.redemption_id,
            applied.item.member_id,
            applied.event_id,
            one.reward,
            one.kind,
            one.quantity,
            one.price,
            seqs,
            one.code,
            one.campaign,
            one.choice,
            applied.decision.version,
            "issued",
            booked_at,
            one.expires_at,
            booked_at,
            "",
            msgspec.to_builtins(one.particulars),
            [step_of("issued", booked_at, asked_by(applied.event))],
        )

    def keep(self, applied: Applied) -> None:
        applied.body, body_hash = stored_form(_with_event(applied), None)
        if isinstance(applied.event.command, TakeCapture):
            # It has a key, by which its order leads to it.
            applied.body_hash = body_hash
        self.done.applied.append(applied)

    def shown(
        self, item: Item, decision: Decision, status: answers.Status, applied: Applied | None = None
    ) -> Answer:
        """Show a decision with the account as it stands now."""
        event_id = item.sent_id or str(item.job.event_ids[0])
        answer = answers.decided(self.program, event_id, status, decision)
        if not item.account_id:
            return answer
        now = item.event.booked_at if item.event is not None else item.job.command.received_at
        account = self.done.accounts[item.account_id]
        wallets = account.wallets
        if account.holds:
            # What nothing has touched since it lapsed binds nobody all the same.
            wallets = give_back_units(wallets, lapsed(account.holds, now))
        balances = answers.balances_view(self.program, wallets, now)
        more: dict[str, Any] = {"balances": balances, "account": number_text("acc", item.account_id)}
        if item.member_id is not None:
            more["member"] = number_text("mem", item.member_id)
        if applied is not None:
            more["transactions"] = [str(one) for one in applied.transaction_ids]
        return msgspec.structs.replace(answer, **more)


def _refusal(decision: Decision) -> Problem:
    if decision.problem_pointer:
        return Problem.at(decision.problem_pointer, decision.problem_code, decision.problem_detail)
    return Problem(decision.problem_code, decision.problem_detail)


def _with_event(applied: Applied) -> Item:
    item = Item(applied.item.job)
    item.event = applied.event
    return item


def _lots_sent(transactions: tuple[Transaction, ...]) -> tuple[Lot, ...]:
    return tuple(
        Lot(entry.available_at, entry.expires_at, -entry.amount)
        for one in transactions
        if one.kind == "send"
        for entry in one.entries
        if entry.book == "member" and entry.available_at is not None
    )


_ACTS: Mapping[type, Callable[[Any, Item], Answer]] = {
    IngestEvent: _Fold.ingest,
    EnrolMember: _Fold.enrol,
    PreviewCart: preview,
    OpenCheckout: open_,
    ConfirmCheckout: confirm,
    CancelCheckout: cancel,
    ReleaseHolds: release_lapsed,
    TransferUnits: _Fold.transfer,
    MergeAccounts: merge,
    CancelRedemption: _Fold.cancel,
    ChooseReward: choose,
    ReturnOrder: take_return,
    UseRedemption: _Fold.use,
    SendRedemption: _Fold.send_out,
    IssueCards: issue_cards,
    SetCardBlocked: block,
    ClaimGiftCard: claim,
    TopUpCard: top_up,
    ReplaceGiftCard: replace_card,
}
