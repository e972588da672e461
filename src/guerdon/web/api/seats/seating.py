"""Seats as API, console and members' pages use them: joining a line, tickets, coming in."""

from __future__ import annotations

from datetime import datetime
from typing import NamedTuple

import segno
import structlog

from guerdon.base.errors import Problem
from guerdon.base.ids import number_text, parse_number
from guerdon.engine.looking.offers import Looker, load_offers
from guerdon.engine.seating.calling import Hall, fill
from guerdon.infra.tx import Tx
from guerdon.members.identities import Found
from guerdon.rewards.access import Signer, Ticket
from guerdon.rewards.redemptions import Redemption, get_redemption
from guerdon.rewards.seats.waiting import Wait, find, join, leave
from guerdon.rules.definition import Text
from guerdon.rules.offering import SENTENCES
from guerdon.rules.program import Program, Reward
from guerdon.web.api.seats.shapes import TicketShape
from guerdon.wiring import House, Live

_LOG = structlog.get_logger(__name__)
_MAY_WAIT = frozenset({"", "out_of_stock"})
_SCALE = 4


class Line(NamedTuple):
    """Whose line of which program is meant."""

    live: Live
    reward: str
    found: Found
    """Who waits."""
    now: datetime


def reward_of(live: Live, key: str) -> Reward:
    """Find a reward.

    Args:
        live: the program.
        key: the reward's key.

    Returns:
        The reward.

    Raises:
        Problem: `reward_not_found`.
    """
    reward = live.program.rewards.get(key)
    if reward is None:
        raise Problem("reward_not_found", "there is no such reward")
    return reward


def join_line(tx: Tx, line: Line) -> tuple[Wait, bool]:
    """Let a member wait for a seat that is for them.

    Args:
        tx: bound to the tenant.
        line: which, and who.

    Returns:
        The place, and whether it is new.

    Raises:
        Problem: `reward_not_found`, `no_waiting_list`, `seats_free`, `account_erased`, and why the reward is
            not for the member, such as `reward_not_for_tier` or `limit_reached`.
    """
    reward = reward_of(line.live, line.reward)
    there = find(tx, line.live.program_id, reward.key, line.found.member_id)
    if there is None:
        looker = Looker(line.live.program_id, line.live.program, line.found.account_id, line.found.member_id)
        offer = load_offers(tx, looker, line.now)[reward.key]
        if not offer.is_seen:
            raise Problem("reward_not_for_member", SENTENCES["reward_not_for_member"])
        if offer.reason not in _MAY_WAIT:
            said = SENTENCES.get(offer.reason, "this member cannot take this reward")
            raise Problem(offer.reason, said)
    return join(tx, line.live.program_id, reward, line.found.member_id, line.now)


def leave_line(tx: Tx, line: Line) -> Wait:
    """Let a member wait no more.

    Args:
        tx: bound to the tenant.
        line: which, and who.

    Returns:
        The place as it was left.

    Raises:
        Problem: `reward_not_found`, `no_waiting_list`, `not_waiting` or `seat_called`.
    """
    reward = reward_of(line.live, line.reward)
    return leave(tx, line.live.program_id, reward, line.found.member_id, line.now)


def fill_seats(house: House, tenant_id: int, program: str, wanted: tuple[str, datetime]) -> None:
    """Give seats that came free to who waits; what goes wrong is done by the next tick.

    Args:
        house: with database and engine.
        tenant_id: whose.
        program: the program's key.
        wanted: the reward's key, and the instant, UTC.
    """
    reward, now = wanted
    try:
        with house.database.transaction(tenant_id) as tx:
            live = house.live(tx, program)
        fill(Hall(house.database, house.engine, tenant_id, live.program_id, live.program), reward, now)
    except Problem as problem:
        # Whoever gave a seat back has done so; that the next one has to wait is not theirs to hear.
        _LOG.warning("seats_wait_for_tick", reward=reward, code=problem.code)


def ticket_of(program: Program, row: Redemption, signer: Signer, language: str = "") -> TicketShape:
    """Make the ticket of a seat.

    Args:
        program: the live version.
        row: the redemption.
        signer: of the program.
        language: of what it says; empty for the program's first.

    Returns:
        The ticket with its picture.

    Raises:
        Problem: `not_a_seat`, `redemption_used` or `redemption_cancelled`.
    """
    check_seat(row)
    if not row.is_open:
        raise Problem(f"redemption_{row.status}", f"this redemption is {row.status} already")
    said = Ticket(
        program.key,
        number_text("acc", row.account_id),
        row.reward,
        number_text("red", row.redemption_id),
        row.quantity,
    )
    code = signer.ticket(said, row.issued_at)
    written = program.definition.rewards.get(row.reward)
    return TicketShape(
        redemption=said.redemption,
        reward=row.reward,
        name=name_of(program, row.reward, language),
        quantity=row.quantity,
        at=written.at.isoformat() if written is not None and written.at is not None else None,
        place=said_in(program, written.place, language) if written is not None else None,
        code=code,
        qr=picture_of(code),
    )


def picture_of(code: str) -> str:
    """Draw a code.

    Args:
        code: any text of at most 2,000 letters.

    Returns:
        A QR code as an SVG element, which any camera reads.
    """
    drawn: str = segno.make_qr(code, error="m").svg_inline(scale=_SCALE, omitsize=True)
    return drawn


def name_of(program: Program, reward: str, language: str = "") -> str:
    """Give a reward's name.

    Args:
        program: the live version.
        reward: the reward's key.
        language: empty for the program's first.

    Returns:
        The name, the key where there is none.
    """
    written = program.definition.rewards.get(reward)
    return (said_in(program, written.name, language) if written is not None else None) or reward


def said_in(program: Program, text: Text | None, language: str) -> str | None:
    """Give a text in a reader's language.

    Args:
        program: with its languages.
        text: as written, or None.
        language: empty for the program's first.

    Returns:
        The text, None where there is none.
    """
    languages = program.definition.languages
    return None if text is None else text.in_language(language or languages[0], languages)


def check_seat(row: Redemption) -> None:
    """Make sure that a redemption is a seat somewhere.

    Args:
        row: the redemption.

    Raises:
        Problem: `not_a_seat`.
    """
    if row.kind not in ("event", "experience"):
        raise Problem("not_a_seat", "only events and experiences have tickets")


def read_ticket(tx: Tx, live: Live, signer: Signer, asked: tuple[str, str | None]) -> Redemption:
    """Find the seat that a ticket stands for.

    Args:
        tx: bound to the tenant.
        live: the program.
        signer: of the program.
        asked: the code, and for which reward the door is; None for any.

    Returns:
        The redemption, which can still be used.

    Raises:
        Problem: `ticket_invalid`, `ticket_for_another`, `ticket_used` or `ticket_cancelled`.
    """
    code, reward = asked
    ticket = signer.read_ticket(code)
    row = get_redemption(tx, live.program_id, parse_number("red", ticket.redemption) or 0)
    if reward is not None and row.reward != reward:
        raise Problem.at("/code", "ticket_for_another", f"this ticket is for {row.reward}")
    check_ticket(live.program, row)
    return row


def check_ticket(program: Program, row: Redemption) -> None:
    """Make sure that nobody came in with a ticket, and that it was not given back.

    Args:
        program: for its clock.
        row: the redemption.

    Raises:
        Problem: `ticket_used` or `ticket_cancelled`.
    """
    local = program.zone.local(row.changed_at).strftime("%Y-%m-%d %H:%M")
    if row.status == "used":
        raise Problem.at("/code", "ticket_used", f"somebody came in with this ticket on {local}")
    if row.status == "cancelled":
        raise Problem.at("/code", "ticket_cancelled", f"this seat was given back on {local}")
