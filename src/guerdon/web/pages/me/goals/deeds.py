"""Deeds: what a member did and shows with a photo or a receipt, and what became of it."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime, time, timedelta
from typing import Any, Final, Literal

from anyio import to_thread

from guerdon.base.errors import Problem
from guerdon.infra.pictures.photos import Picture
from guerdon.infra.tx import Tx
from guerdon.members.crypto import MemberKey
from guerdon.members.identities import Found
from guerdon.members.states import load_keys
from guerdon.rewards.deeds.photos import DeedPhoto
from guerdon.rewards.deeds.queue import Deed, Wanted, list_deeds
from guerdon.rules.definition import Datum, EventKind
from guerdon.web.api.deeds.judging import Said, address_of, send
from guerdon.web.pages.me.acting import Asked, is_first, picture_of
from guerdon.web.pages.me.reader import Reader

_SHOWN: Final = 10
_LONGEST: Final = 500
_RECEIPT: Final = 100
_DAYS_BACK: Final = 366
_INPUTS: Final[Mapping[str, Literal["text", "number", "date", "choice"]]] = {
    "string": "text",
    "int": "number",
    "decimal": "number",
    "date": "date",
    "bool": "choice",
}
"""How each type of value is asked for; others are for programs to send."""


@dataclass(frozen=True, slots=True)
class FieldView:
    """Something that is asked of a deed."""

    name: str
    label: str
    input: str
    """`text`, `number`, `date` or `choice`."""
    choices: tuple[tuple[str, str], ...]
    """Each with what it is called."""


@dataclass(frozen=True, slots=True)
class KindView:
    """A kind of deed that can be sent."""

    key: str
    name: str
    description: str
    is_shown: bool
    """Whether a photo or a receipt is needed."""
    fields: tuple[FieldView, ...]


@dataclass(frozen=True, slots=True)
class SentView:
    """A deed that was sent."""

    id: str
    name: str
    said: tuple[str, ...]
    done_at: datetime
    state: str
    """`waiting`, `approved` or `refused`."""
    reason: str
    receipt: str
    photo: str
    """Its address; empty without one."""


@dataclass(frozen=True, slots=True)
class DeedsView:
    """What can be sent, and what was."""

    kinds: tuple[KindView, ...]
    sent: tuple[SentView, ...]
    today: date
    earliest: date


def load_deed_views(tx: Tx, reader: Reader) -> DeedsView | None:
    """Load what a member can send, and what became of what they sent.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        The newest first; None where the program asks for no deeds.
    """
    events = reader.program.definition.events
    kinds = {key: one for key, one in events.items() if is_for_members(one)}
    if not kinds:
        return None
    taker = reader.taker
    rows = list_deeds(tx, taker.program_id, Wanted(_SHOWN, member_id=taker.member_id))
    keys = load_keys(tx, reader.vault, taker.program_id, [taker.member_id])
    key = keys[taker.member_id][1] if taker.member_id in keys else None
    today = reader.zone.local(reader.now).date()
    return DeedsView(
        kinds=tuple(_kind(reader, key, one) for key, one in kinds.items()),
        sent=tuple(_sent(reader, one, key) for one in rows),
        today=today,
        earliest=today - timedelta(days=_DAYS_BACK),
    )


def is_for_members(kind: EventKind) -> bool:
    """Tell whether members can send an event themselves.

    Args:
        kind: of event.

    Returns:
        Whether somebody approves it, and a page can ask for all that it carries.
    """
    asked = kind.data.values()
    return kind.evidence != "none" and all(one.type in _INPUTS and not one.personal for one in asked)


async def send_deed(reader: Reader, asked: Asked) -> None:
    """Send a deed, which waits for somebody to look at it.

    Args:
        reader: who.
        asked: the kind; `on`, `receipt` and its data by `data_…`; a photo.

    Raises:
        Problem: what is wrong with it, with a pointer at its field.
    """
    kind = reader.program.definition.events.get(asked.key)
    if kind is None or not is_for_members(kind):
        raise Problem("unknown_event_type", "members do not send such events")
    said = _said(reader, asked, kind, await picture_of(asked))
    whose, taker = reader.visit.whose, reader.taker
    who = (Found(taker.account_id, taker.member_id), f"member:{reader.ref}", reader.now)

    def work() -> None:
        house = whose.premises.house
        with house.database.transaction(whose.tenant_id) as tx:
            if is_first(tx, reader, asked):
                send(tx, house, (whose.tenant_id, reader.opened.live), who, said)

    await to_thread.run_sync(work)


def _said(reader: Reader, asked: Asked, kind: EventKind, picture: Picture | None) -> Said:
    fields = asked.fields
    receipt = fields.get("receipt", "")
    if len(receipt) > _RECEIPT:
        raise Problem.at("/receipt", "text_length", f"a receipt's number has at most {_RECEIPT} letters")
    data = {
        name: _value(name, datum, sent)
        for name, datum in kind.data.items()
        if (sent := fields.get(f"data_{name}", ""))
    }
    photo = DeedPhoto(picture.data, picture.width, picture.height) if picture is not None else None
    return Said(asked.key, _time(reader, fields.get("on", "")), data, None, receipt or None, photo)


def _value(name: str, datum: Datum, sent: str) -> Any:
    pointer = f"/data/{name}"
    if len(sent) > _LONGEST:
        raise Problem.at(pointer, "text_length", f"at most {_LONGEST} characters fit here")
    if datum.type == "int":
        # In whatever digits it is typed.
        digits = sent.replace(",", "")
        if not (digits.isdecimal() and len(digits) <= 12):
            raise Problem.at(pointer, "wrong_type", "expected a whole number")
        return int(digits)
    if datum.type == "decimal":
        whole, _, rest = sent.replace(",", "").partition(".")
        if not (whole.isdecimal() and (rest or "0").isdecimal() and len(sent) <= 24):
            raise Problem.at(pointer, "wrong_type", "expected a number")
        return f"{int(whole)}.{''.join(str(int(one)) for one in rest)}" if rest else str(int(whole))
    if datum.type == "bool":
        return {"true": True, "false": False}.get(sent, sent)
    return sent


def _time(reader: Reader, on: str) -> datetime:
    """The middle of the day that was said; now where it is today, or nothing was said."""
    today = reader.zone.local(reader.now).date()
    try:
        day = date.fromisoformat(on) if on else today
    except ValueError:
        raise Problem.at("/on", "day_invalid", "expected a day such as 2026-11-21") from None
    if day > today or day < today - timedelta(days=_DAYS_BACK):
        raise Problem.at("/on", "day_invalid", "expected a day of the past year")
    noon = datetime.combine(day, time(12), reader.zone.info).astimezone(UTC)
    return reader.now if day == today else noon


def _kind(reader: Reader, key: str, one: EventKind) -> KindView:
    voice = reader.opened.voice
    return KindView(
        key=key,
        name=_name(reader, key),
        description=voice.text(one.description) if one.description is not None else "",
        is_shown=one.evidence == "required",
        fields=tuple(_field(reader, name, datum) for name, datum in one.data.items()),
    )


def _field(reader: Reader, name: str, datum: Datum) -> FieldView:
    choices = [(one, one) for one in datum.values or ()]
    if datum.type == "bool":
        choices = [("true", reader.texts["yes"]), ("false", reader.texts["no"])]
    kind = "choice" if choices else _INPUTS[datum.type]
    return FieldView(name, reader.opened.voice.called(name, datum.name), kind, tuple(choices))


def _name(reader: Reader, key: str) -> str:
    kind = reader.program.definition.events.get(key)
    return reader.opened.voice.called(key.replace(".", " "), kind.name if kind is not None else None)


def _sent(reader: Reader, one: Deed, own: MemberKey | None) -> SentView:
    kind = reader.program.definition.events.get(one.type)
    labels = {name: datum.name for name, datum in kind.data.items()} if kind is not None else {}
    return SentView(
        id=one.name,
        name=_name(reader, one.type),
        said=tuple(
            f"{reader.opened.voice.called(name, labels.get(name))}: {_shown(reader, value)}"
            for name, value in one.data.items()
        ),
        done_at=one.occurred_at,
        state=one.state,
        reason=one.reason,
        receipt=one.receipt or "",
        photo=address_of(own, one) if own is not None else "",
    )


def _shown(reader: Reader, value: object) -> str:
    if isinstance(value, bool):
        return reader.texts["yes" if value else "no"]
    return reader.say.number(value) if isinstance(value, int) else str(value)
