"""Seats: waiting for one, the ticket at the door, the day in one's calendar."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime
from functools import partial

from anyio import to_thread
from markupsafe import Markup

from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.rewards.access_keys import load_signer
from guerdon.rewards.redemptions import Redemption
from guerdon.rewards.seats import calendar
from guerdon.rewards.seats.waiting import list_of_member, place_in_line
from guerdon.web.api.seats import papers, seating
from guerdon.web.api.seats.seating import Line
from guerdon.web.pages.me.acting import Asked
from guerdon.web.pages.me.reader import Reader


@dataclass(frozen=True, slots=True)
class WaitView:
    """A line that a member stands in."""

    reward: str
    """Its key."""
    name: str
    place: int
    """1 is next."""
    joined_at: datetime


def load_wait_views(tx: Tx, reader: Reader) -> list[WaitView]:
    """Load the lines that a member stands in.

    Args:
        tx: bound to the tenant.
        reader: whose.

    Returns:
        By reward.
    """
    if not any(one.has_line for one in reader.program.rewards.values()):
        return []
    return [
        WaitView(one.reward, reader.opened.voice.reward(one.reward), place_in_line(tx, one), one.joined_at)
        for one in list_of_member(tx, reader.taker.program_id, reader.taker.member_id)
    ]


def ticket(tx: Tx, reader: Reader, row: Redemption) -> Markup | None:
    """Draw the ticket of a seat that is still to be taken.

    Args:
        tx: bound to the tenant.
        reader: whose.
        row: what was taken.

    Returns:
        A QR code as SVG; None for what is no seat, or used.
    """
    if row.kind not in ("event", "experience") or not row.is_open:
        return None
    signer = load_signer(tx, reader.vault.digest, (reader.taker.program_id, reader.program.key), reader.now)
    # The writer of the picture made it of signed letters alone.
    return Markup(seating.ticket_of(reader.program, row, signer).qr)  # noqa: S704 - drawn above of signed letters alone


def drawn(code: str) -> Markup:
    """Draw a code for the till's camera.

    Args:
        code: letters that the engine made.

    Returns:
        A QR code as SVG.
    """
    return Markup(seating.picture_of(code))  # noqa: S704 - lines drawn here, no text of anybody's


def calendar_file(reader: Reader, row: Redemption) -> bytes:
    """Write the day of a seat for a calendar.

    Args:
        reader: whose.
        row: what was taken.

    Returns:
        An iCalendar file.

    Raises:
        Problem: `not_a_seat` or `no_date`.
    """
    whose, live = reader.visit.whose, reader.opened.live
    told = papers.Telling(reader.say.language, reader.now)
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        entry = papers.load_entry(tx, whose.premises.house, live, row, told)
    return calendar.written(entry)


def ticket_file(reader: Reader, row: Redemption) -> str:
    """Write the ticket of a seat to print, or to keep.

    Args:
        reader: whose.
        row: what was taken.

    Returns:
        HTML; `papers.TICKET_POLICY` is its policy.

    Raises:
        Problem: `not_a_seat`, `redemption_used` or `redemption_cancelled`.
    """
    whose, told = reader.visit.whose, papers.Telling(reader.say.language, reader.now)
    program = (reader.taker.program_id, reader.program.key)
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        signer = load_signer(tx, reader.vault.digest, program, reader.now)
    shown = seating.ticket_of(reader.program, row, signer, reader.say.language)
    return papers.write_ticket(reader.opened.live, shown, told)


async def wait(reader: Reader, asked: Asked) -> None:
    """Stand in line for a seat.

    Args:
        reader: who.
        asked: the reward's key.
    """
    await to_thread.run_sync(partial(_line, reader, asked.key, is_joining=True))
    await _fill(reader, asked.key)


async def stop_waiting(reader: Reader, asked: Asked) -> None:
    """Leave a line.

    Args:
        reader: who.
        asked: the reward's key.
    """
    await to_thread.run_sync(partial(_line, reader, asked.key, is_joining=False))
    await _fill(reader, asked.key)


def _line(reader: Reader, reward: str, *, is_joining: bool) -> None:
    whose, taker = reader.visit.whose, reader.taker
    line = Line(reader.opened.live, reward, Found(taker.account_id, taker.member_id), reader.now)
    with whose.premises.house.database.transaction(whose.tenant_id) as tx:
        if is_joining:
            seating.join_line(tx, line)
        else:
            seating.leave_line(tx, line)


async def _fill(reader: Reader, reward: str) -> None:
    whose = reader.visit.whose
    wanted = (reward, whose.now)
    await to_thread.run_sync(
        seating.fill_seats, whose.premises.house, whose.tenant_id, reader.program.key, wanted
    )
