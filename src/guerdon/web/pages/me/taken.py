"""What a member took: codes to show at the checkout, things on their way, seats, gifts."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Final

from markupsafe import Markup

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.engine.commands import ChooseReward
from guerdon.engine.returns.choosing import is_settled
from guerdon.infra.tx import Tx
from guerdon.members.links.addresses import RECEIPT, make_link
from guerdon.rewards.cards import ask_of_redemptions, card_code
from guerdon.rewards.redemptions import Page, Redemption, get_redemption, list_redemptions
from guerdon.rewards.services.steps import Step, load_steps, state_of
from guerdon.web.pages.me.acting import Asked, tell
from guerdon.web.pages.me.reader import Reader
from guerdon.web.pages.me.rewards import choices_of
from guerdon.web.pages.me.seats import ticket

_SHOWN: Final = 30
_NOT_FOUND: Final = Problem("redemption_not_found", "there is no such redemption")


@dataclass(frozen=True, slots=True)
class TakenView:
    """Something that was taken or granted."""

    number: int
    key: str
    """Of the reward."""
    reward: str
    """Its name."""
    kind: str
    quantity: int
    state: str
    """`issued`, `sent`, `used`, `cancelled`, `over` where its time is, or `given` for a donation."""
    codes: tuple[str, ...]
    choice: str
    issued_at: datetime
    expires_at: datetime | None
    tracking: str
    receipt: str
    """Number of a donation's."""
    receipt_url: str
    """Where it can be read and printed; empty for what is no donation."""
    given: str
    """Money that a donation gave, with what the shop put on top."""
    starts_at: datetime | None
    ends_at: datetime | None
    """Until when a warranty or an access holds."""
    place: str
    at: date | None
    """Local day of an event, with its time where one is written."""
    link: str
    """To what it opens; empty where it opens nothing."""
    text: str
    choices: tuple[tuple[str, str], ...]
    """What it can become, each with its name, where it was given with its choice open; then it is chosen."""
    ticket: Markup | None
    """Of a seat: what the door's camera reads."""
    service: str = ""
    """How a service stands: `requested`, `scheduled`, `done`, `declined` or `given_back`."""
    service_at: datetime | None = None
    """When it takes place."""
    note: str = ""
    """What staff noted of it last, or why it was called off."""

    @property
    def is_open(self) -> bool:
        """Whether it can still be used."""
        return self.state in ("issued", "sent")


def load_taken_views(tx: Tx, reader: Reader) -> list[TakenView]:
    """Load what a member took lately.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        What can still be used first, newest first in each part.
    """
    rows = list_redemptions(tx, reader.taker.program_id, Page(_SHOWN, account_id=reader.taker.account_id))
    views = _views(tx, reader, rows)
    return sorted(views, key=lambda one: not one.is_open)


def load_taken_view(tx: Tx, reader: Reader, number: int) -> TakenView:
    """Load one thing that was taken.

    Args:
        tx: bound to the tenant.
        reader: whose.
        number: the redemption.

    Returns:
        How it stands.

    Raises:
        Problem: `redemption_not_found`, also where it is another account's.
    """
    return _views(tx, reader, [load_row(tx, reader, number)])[0]


def load_row(tx: Tx, reader: Reader, number: int) -> Redemption:
    """Load what stands of one thing that was taken.

    Args:
        tx: bound to the tenant.
        reader: whose.
        number: the redemption.

    Returns:
        Its row.

    Raises:
        Problem: `redemption_not_found`, also where it is another account's.
    """
    row = get_redemption(tx, reader.taker.program_id, number)
    if row.account_id != reader.taker.account_id:
        raise _NOT_FOUND
    return row


def _views(tx: Tx, reader: Reader, rows: Sequence[Redemption]) -> list[TakenView]:
    numbers = [row.redemption_id for row in rows if row.kind == "gift_card" and row.status != "cancelled"]
    cards = ask_of_redemptions(tx, reader.taker.program_id, numbers)() if numbers else {}
    views = [_view(tx, reader, row, cards.get(row.redemption_id, [])) for row in rows]
    services = [row.redemption_id for row in rows if row.kind == "service"]
    steps = load_steps(tx, reader.taker.program_id, services) if services else {}
    return [
        _served(one, row.status, steps.get(row.redemption_id, ())) if row.kind == "service" else one
        for one, row in zip(views, rows, strict=True)
    ]


def _served(view: TakenView, status: str, steps: Sequence[Step]) -> TakenView:
    times = [one.at for one in steps if one.at is not None]
    return replace(
        view,
        service=state_of(status, steps),
        service_at=times[-1] if times else None,
        note=steps[-1].note if steps else "",
        # What follows the parcel of others is the time and the note here.
        tracking="",
    )


def _view(tx: Tx, reader: Reader, row: Redemption, cards: Sequence[int]) -> TakenView:
    written = reader.program.definition.rewards.get(row.reward)
    voice, fixed = reader.opened.voice, row.fixed
    over = row.status == "issued" and row.expires_at is not None and row.expires_at <= reader.now
    content = written.content if written is not None and row.status != "cancelled" else None
    currency = reader.program.definition.currency
    link = reader.visit.link._replace(about=number_text("red", row.redemption_id))
    given = reader.say.money(fixed.given + fixed.matched, currency) if fixed.cause else ""
    return TakenView(
        number=row.redemption_id,
        key=row.reward,
        reward=voice.reward(row.reward),
        kind=row.kind,
        quantity=row.quantity,
        state=_state(row, over=over),
        codes=(*([row.code] if row.code else ()), *(card_code(reader.vault, one) for one in cards)),
        choice=row.choice,
        issued_at=row.issued_at,
        expires_at=row.expires_at,
        tracking=row.tracking,
        receipt=fixed.receipt,
        receipt_url=make_link(reader.vault, RECEIPT, link) if fixed.receipt else "",
        given=given,
        starts_at=fixed.starts_at,
        ends_at=fixed.ends_at,
        place=voice.text(written.place) if written is not None and written.place is not None else "",
        at=written.at if written is not None else None,
        link=content.url or "" if content is not None else "",
        choices=_choices(reader, row, over=over),
        ticket=ticket(tx, reader, row),
        text=voice.text(content.text) if content is not None and content.text is not None else "",
        note=voice.text(written.called_off)
        if row.status == "cancelled" and written is not None and written.called_off is not None
        else "",
    )


def _choices(reader: Reader, row: Redemption, *, over: bool) -> tuple[tuple[str, str], ...]:
    reward = reader.program.rewards.get(row.reward)
    waits = row.status == "issued" and not over and not is_settled(row)
    return choices_of(reader, reward) if waits and reward is not None else ()


async def choose(reader: Reader, number: int, asked: Asked) -> None:
    """Choose what something becomes that was given with its choice open; the same form twice is one choice.

    Args:
        reader: whose it is.
        number: the redemption.
        asked: the form.

    Raises:
        Problem: `choice_missing`, and what the engine refuses.
    """
    choice = asked.fields.get("choice", "")[:200]
    if not choice:
        raise Problem.at("/choice", "choice_missing", "say what is chosen of this reward")
    by = f"member:{reader.ref}"
    await tell(reader, ChooseReward, asked, redemption_id=number, choice=choice, by=by)


def _state(row: Redemption, *, over: bool) -> str:
    if row.kind == "donation" and row.status != "cancelled":
        return "given"
    return "over" if over else row.status
