"""The front door: a command becomes the fact that is decided upon, and the form in which it is stored."""

from __future__ import annotations

import hashlib
import zlib
from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

import msgspec

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.commands import (
    AdjustBalance,
    CancelCheckout,
    CancelRedemption,
    ChooseReward,
    ClaimGiftCard,
    ConfirmCheckout,
    EndCheckout,
    EndTier,
    EnrolMember,
    GiveTier,
    IngestEvent,
    IssueCards,
    Job,
    JoinChallenge,
    LeaveChallenge,
    MergeAccounts,
    OpenCheckout,
    PreviewCart,
    RedeemReward,
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
from guerdon.engine.keeping.asking import REASON_LENGTH, TEXT_LENGTH, check_text, own_event
from guerdon.engine.reading.cards import (
    NO_CARDS,
    read_blocking,
    read_claiming,
    read_issuing,
    read_replacing,
    read_topping_up,
)
from guerdon.engine.reading.challenges import read_joining
from guerdon.members.identities import Ref, parse_ref
from guerdon.rules.cards.codes import read_code
from guerdon.rules.cards.paying import CARDS_AT_MOST
from guerdon.rules.coupons.standing import KnownCode
from guerdon.rules.events import (
    LEFT,
    Adjust,
    Event,
    LeaveFor,
    PriceCart,
    Redeem,
    SendUnits,
    Tick,
)
from guerdon.rules.events import EndTier as EndsTier
from guerdon.rules.events import GiveTier as GivesTier
from guerdon.rules.orders import OrderInput
from guerdon.rules.own_events import PAYS, declared_data
from guerdon.rules.pricing import Cart, read_cart
from guerdon.rules.program import Program
from guerdon.rules.promotions import CHECKOUT
from guerdon.rules.reading import (
    SentEvent,
    canonical_body,
    decode_cart,
    read_event,
    return_hash,
    returning,
)
from guerdon.rules.sent import ReturnAsked

EVENT_BYTES = 2 * 1024 * 1024
"""The longest event that is taken in."""
COUPONS_AT_MOST = 50
"""Codes of one cart: each is looked up and may be a limit to lock."""
_RETURN_ID_LENGTH = 190
UNITS_AT_MOST = 2**53

_ENCODER = msgspec.json.Encoder(order="deterministic")
_SHORT_WINDOW = 12
"""Log2 of bytes."""
_ZLIB_LEVEL = 1  # the tenth part of the time of level 6, for a body that is a few per cent longer


class _Name(msgspec.Struct):
    id: Any = ""


class Item:
    """A job on its way through one batch."""

    __slots__ = (
        "account_id",
        "card_accounts",
        "card_codes",
        "cards",
        "cart",
        "checkout",
        "codes",
        "coupons",
        "ends",
        "event",
        "is_new",
        "job",
        "member_id",
        "order_account",
        "order_line",
        "other_account",
        "problem",
        "redemption_id",
        "ref",
        "sent",
        "sent_id",
    )

    def __init__(self, job: Job) -> None:
        """Begin with a job.

        Args:
            job: the command on its way.
        """
        self.job = job
        self.sent: SentEvent | None = None
        self.sent_id = ""
        self.event: Event | None = None
        self.ref: Ref | None = None
        self.account_id = 0
        self.member_id: int | None = None
        self.is_new = False
        self.other_account = 0
        self.order_account = 0
        """Whose order came back, before anything was merged; 0 for a guest's."""
        self.order_line: frozenset[int] = frozenset()
        """That account, and those into which it went: its returns stand at these."""
        self.redemption_id = 0
        self.checkout: tuple[str, str] | None = None
        """Source and id of the checkout that it is about."""
        self.ends: tuple[tuple[str, str], ...] = ()
        """Source and id of the checkouts of other members that its order ends."""
        self.cart: Cart | None = None
        self.coupons: dict[str, tuple[int, int]] = {}
        """Account and redemption of the cart's coupon codes, as far as they are known."""
        self.codes: dict[str, KnownCode] = {}
        """Those of the cart's codes that are of batches or shared."""
        self.card_codes: tuple[tuple[str, str], ...] = ()
        """Codes of gift cards: the letters that each means, and why it can be no card's."""
        self.cards: tuple[int, ...] = ()
        """The accounts that these codes lead to, 0 where there is none."""
        self.card_accounts: set[int] = set()
        """Accounts of all gift cards that it may touch."""
        self.problem: Problem | None = None

    @property
    def is_guest(self) -> bool:
        """Tell whether it is a fact about nobody."""
        return self.sent is not None and self.sent.subject is None


def read_item(job: Job, program: Program) -> Item:
    """Read a command as far as no account is needed.

    Args:
        job: the command on its way.
        program: whose settings apply.

    Returns:
        The item; with a `problem` where the command is refused already.
    """
    item = Item(job)
    try:
        _READERS[type(job.command)](item, job.command, program)
    except Problem as problem:
        item.problem = problem
    return item


def stored_form(item: Item, member_id: int | None) -> tuple[bytes, bytes]:
    """Write the whole body as it is stored and compared: the subject is the member's id.

    Args:
        item: the item, its event read.
        member_id: whom the subject means.

    Returns:
        Canonical JSON and its SHA-256.
    """
    if item.sent is not None:
        subject = number_text("mem", member_id) if member_id is not None else None
        body = canonical_body(msgspec.structs.replace(item.sent, subject=subject))
        if isinstance(item.sent.data, ReturnAsked):
            return body, return_hash(body)
    else:
        assert item.event is not None
        body = _ENCODER.encode({"type": item.event.type, "data": item.event.command})
    return body, hashlib.sha256(body).digest()


def public_form(item: Item, program: Program) -> bytes | None:
    """Write the body without values that may say something about a person.

    Args:
        item: the item.
        program: which values it declares, and which of them as personal.

    Returns:
        Canonical JSON, or None where nothing has to be left out.
    """
    sent = item.sent
    if sent is None or isinstance(sent.data, ReturnAsked):
        return None
    if isinstance(sent.data, OrderInput):
        order = sent.data
        if not order.attributes and not any(line.attributes for line in order.lines):
            return None
        lines = tuple(msgspec.structs.replace(line, attributes={}) for line in order.lines)
        data: Any = msgspec.structs.replace(order, attributes={}, lines=lines)
    else:
        data = _declared_part(sent, program)
        if len(data) == len(sent.data):
            return None
    # The member stands beside the body, in a column that erasing need not touch.
    return canonical_body(msgspec.structs.replace(sent, subject=None, data=data))


def compress(body: bytes) -> bytes:
    """Compress a body for storage.

    Args:
        body: JSON.

    Returns:
        A zlib stream.
    """
    if len(body) > 1 << _SHORT_WINDOW:
        return zlib.compress(body, _ZLIB_LEVEL)
    # Most bodies are short, and clearing a window of 32 KB takes longer than compressing them.
    stream = zlib.compressobj(_ZLIB_LEVEL, zlib.DEFLATED, _SHORT_WINDOW)
    return stream.compress(body) + stream.flush()


def order_key(item: Item) -> tuple[str, str] | None:
    """Name the order that an event pays.

    Args:
        item: the item.

    Returns:
        Source and order id for `order.paid`, and for what comes back as an order does; else None.
    """
    event = item.event
    if event is None or event.type not in PAYS or event.order is None:
        return None
    return event.source, event.order.id


def _declared_part(sent: SentEvent, program: Program) -> Mapping[str, Any]:
    known = declared_data(program.definition, sent.type)
    data: Any = sent.data
    return {name: value for name, value in data.items() if name in known and not known[name].personal}


def _read_event(item: Item, command: IngestEvent, program: Program) -> None:
    raw = command.raw
    try:
        if len(raw) > EVENT_BYTES:
            raise Problem("event_too_large", f"an event is at most {EVENT_BYTES} bytes long")
        booked_at = None if command.historical else command.received_at
        item.sent, item.event = read_event(raw, program, booked_at, own=command.own)
    except Problem:
        item.sent_id = sent_id(raw)
        raise
    sent = item.sent
    item.sent_id = sent.id
    if not (sent.id.isprintable() and sent.source.isprintable() and sent.type.isprintable()):
        name = next(name for name in ("id", "source", "type") if not getattr(sent, name).isprintable())
        raise Problem.at(f"/{name}", "control_character", "expected text without control characters")
    if sent.subject is not None:
        item.ref = _ref(sent.subject, "/subject")


def sent_id(raw: bytes) -> str:
    """Find an event's id where the rest of it may be wrong.

    Args:
        raw: what was sent.

    Returns:
        The id, or empty.
    """
    try:
        found = msgspec.json.decode(raw, type=_Name).id
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return ""
    return found[:TEXT_LENGTH] if isinstance(found, str) else ""


def _enrol(item: Item, command: EnrolMember, _: Program) -> None:
    item.event = own_event("member.enrolled", command, None)


def _redeem(item: Item, command: RedeemReward, _: Program) -> None:
    check_text(command.choice, "/choice", TEXT_LENGTH)
    covers = command.covers
    for name in ("order", "line", "sku") if covers is not None else ():
        check_text(getattr(covers, name), f"/for/{name}", TEXT_LENGTH)
    asked = Redeem(
        item.job.redemption_id, command.reward, command.quantity, command.choice, command.by, covers
    )
    item.ref = command.member
    item.event = own_event("guerdon.redeem", command, asked)


def _return(item: Item, command: ReturnOrder, _: Program) -> None:
    asked = command.asked
    check_text(asked.order, "/data/order", TEXT_LENGTH)
    if not 0 < len(asked.id) <= _RETURN_ID_LENGTH or not asked.id.isprintable():
        detail = f"a return's id has 1 to {_RETURN_ID_LENGTH} characters, none of them a control character"
        raise Problem.at("/data/id", "return_id_invalid", detail)
    now = command.received_at
    # Orders, returns and events may be numbered alike, so that a return's event has a name of its own.
    name = f"return-{asked.id}"
    item.sent = SentEvent(name, command.source, "order.returned", now, None, "", "", asked)
    item.sent_id = asked.id
    item.event = returning(item.sent, now)


def _cancel(item: Item, command: CancelRedemption, _: Program) -> None:
    item.redemption_id = command.redemption_id


def _choose(item: Item, command: ChooseReward, _: Program) -> None:
    check_text(command.choice, "/choice", TEXT_LENGTH)
    item.redemption_id = command.redemption_id


def _use(item: Item, command: UseRedemption, _: Program) -> None:
    item.redemption_id = command.redemption_id


def _send_out(item: Item, command: SendRedemption, _: Program) -> None:
    check_text(command.tracking, "/tracking", TEXT_LENGTH)
    item.redemption_id = command.redemption_id


def _check_reason(reason: str, what: str) -> None:
    check_text(reason, "/reason", REASON_LENGTH)
    if not reason.strip():
        raise Problem.at("/reason", "reason_missing", f"{what} needs a reason")


def _give_tier(item: Item, command: GiveTier, _: Program) -> None:
    _check_reason(command.reason, "a tier that is given")
    check_text(command.ladder, "/ladder", TEXT_LENGTH)
    check_text(command.tier, "/tier", TEXT_LENGTH)
    item.ref = command.member
    asked = GivesTier(command.ladder, command.tier, command.until, command.reason, command.by)
    item.event = own_event("guerdon.give_tier", command, asked)


def _end_tier(item: Item, command: EndTier, _: Program) -> None:
    _check_reason(command.reason, "a tier that is taken back")
    check_text(command.ladder, "/ladder", TEXT_LENGTH)
    item.ref = command.member
    asked = EndsTier(command.ladder, command.reason, command.by)
    item.event = own_event("guerdon.end_tier", command, asked)


def _adjust(item: Item, command: AdjustBalance, _: Program) -> None:
    _check_reason(command.reason, "an adjustment")
    item.account_id = command.account_id
    item.event = own_event("guerdon.adjust", command, Adjust(command.wallet, command.amount, command.reason))


def _transfer(item: Item, command: TransferUnits, _: Program) -> None:
    item.account_id, item.other_account = command.account_id, command.to_account
    asked = SendUnits(command.wallet, command.amount, command.to_account)
    item.event = own_event("guerdon.send", command, asked)


def _merge(item: Item, command: MergeAccounts, _: Program) -> None:
    check_text(command.reason, "/reason", REASON_LENGTH)
    item.account_id, item.other_account = command.account_id, command.into_account
    item.event = own_event(LEFT, command, LeaveFor(command.into_account, ""))


def _tick(item: Item, command: RunTick, _: Program) -> None:
    item.account_id = command.account_id
    item.event = own_event("guerdon.tick", command, Tick())


def _release(item: Item, command: ReleaseHolds, _: Program) -> None:
    item.event = own_event("guerdon.release_holds", command, Tick())


def _price_cart(item: Item, command: PreviewCart, program: Program) -> None:
    sent = decode_cart(command.cart)
    if len(sent.coupons) > COUPONS_AT_MOST:
        raise Problem.at("/coupons", "too_many_coupons", f"a cart names at most {COUPONS_AT_MOST} codes")
    if sent.gift_cards:
        item.card_codes = _card_codes(sent.gift_cards, program)
        # Whoever knows a code has the money: it is kept nowhere.
        sent = msgspec.structs.replace(sent, gift_cards=())
    try:
        item.cart = read_cart(sent, program.order_settings)
    except Problem as problem:
        raise _without_data(problem) from None
    item.ref = command.member
    now = command.received_at
    item.event = Event(
        CHECKOUT,
        now,
        now,
        source=command.source,
        channel=item.cart.channel,
        store=item.cart.store,
        command=PriceCart(sent.rewards),
    )
    if isinstance(command, OpenCheckout):
        check_text(command.id, "/id", TEXT_LENGTH)
        item.checkout = (command.source, command.id)


def _card_codes(typed: tuple[str, ...], program: Program) -> tuple[tuple[str, str], ...]:
    if program.card_wallet is None:
        raise Problem.at("/gift_cards", NO_CARDS.code, NO_CARDS.detail)
    if len(typed) > CARDS_AT_MOST:
        raise Problem.at("/gift_cards", "too_many_gift_cards", f"a cart names at most {CARDS_AT_MOST} cards")
    codes = tuple(read_code(one) for one in typed)
    for place, (folded, _) in enumerate(codes):
        if folded in {one for one, _ in codes[:place]}:
            detail = "this gift card stands in the cart already"
            raise Problem.at(f"/gift_cards/{place}", "duplicate_gift_card", detail)
    return codes


def _without_data(problem: Problem) -> Problem:
    """Point into the cart: an order's pointers begin with the event's `/data`."""
    faults = tuple(replace(fault, pointer=fault.pointer.removeprefix("/data")) for fault in problem.faults)
    return Problem(problem.code, problem.detail, faults)


def _end_checkout(item: Item, command: EndCheckout, _: Program) -> None:
    item.checkout = (command.source, command.id)
    item.ref = command.member if isinstance(command, ConfirmCheckout) else None


def _ref(text: str, pointer: str) -> Ref:
    try:
        return parse_ref(text)
    except Problem as problem:
        raise Problem.at(pointer, problem.code, problem.detail) from None


_READERS: Mapping[type, Callable[[Item, Any, Program], None]] = {
    IngestEvent: _read_event,
    EnrolMember: _enrol,
    RedeemReward: _redeem,
    ReturnOrder: _return,
    CancelRedemption: _cancel,
    ChooseReward: _choose,
    JoinChallenge: read_joining,
    LeaveChallenge: read_joining,
    UseRedemption: _use,
    SendRedemption: _send_out,
    AdjustBalance: _adjust,
    GiveTier: _give_tier,
    EndTier: _end_tier,
    TransferUnits: _transfer,
    MergeAccounts: _merge,
    IssueCards: read_issuing,
    TopUpCard: read_topping_up,
    SetCardBlocked: read_blocking,
    ReplaceGiftCard: read_replacing,
    ClaimGiftCard: read_claiming,
    RunTick: _tick,
    ReleaseHolds: _release,
    PreviewCart: _price_cart,
    OpenCheckout: _price_cart,
    ConfirmCheckout: _end_checkout,
    CancelCheckout: _end_checkout,
}
