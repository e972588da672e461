"""What people take along of a seat: the day for their calendar, and a ticket to print, in their language."""

from __future__ import annotations

import base64
import hashlib
from collections.abc import Mapping
from datetime import UTC, date, datetime, timedelta
from pathlib import Path
from typing import Final, NamedTuple

from markupsafe import Markup

from guerdon.base.calendar import Zone, add_to_day
from guerdon.base.errors import Problem
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.identities import member_ref
from guerdon.members.members import Desk, get_member
from guerdon.rewards.redemptions import Redemption
from guerdon.rewards.seats.calendar import Entry
from guerdon.rules.compiling.compiler import span_of
from guerdon.rules.definition import Reward
from guerdon.rules.program import Program
from guerdon.web.api.seats.seating import check_seat, name_of, said_in
from guerdon.web.api.seats.shapes import TicketShape
from guerdon.web.languages.saying import LANGUAGES, Saying
from guerdon.web.templating.paper import templates
from guerdon.wiring import House, Live

_FOLDER: Final = Path(__file__).parent / "templates"
_PAPER: Final = templates(_FOLDER).get_template("ticket.html")
_STYLE: Final = (_FOLDER / "ticket.html").read_text("utf-8").partition("<style>")[2].partition("</style>")[0]
TICKET_POLICY: Final = (
    "default-src 'none'; style-src 'sha256-"
    + base64.b64encode(hashlib.sha256(_STYLE.encode()).digest()).decode()
    + "'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'"
)
"""What a ticket may load: nothing; its style is its own."""
WORDS: Final[Mapping[str, Mapping[str, str]]] = {
    "en": {
        "ticket": "Ticket",
        "for_one": "For one person",
        "for_many": "For {count} people",
        "door": "Show this code at the door. It lets in once.",
        "number": "Ticket number {number}",
    },
    "bn": {
        "ticket": "টিকিট",
        "for_one": "একজনের জন্য",
        "for_many": "{count} জনের জন্য",
        "door": "দরজায় এই কোডটি দেখান। এটি একবারই ঢুকতে দেয়।",
        "number": "টিকিট নম্বর {number}",
    },
    "hi": {
        "ticket": "टिकट",
        "for_one": "एक व्यक्ति के लिए",
        "for_many": "{count} लोगों के लिए",
        "door": "दरवाज़े पर यह कोड दिखाएँ। इससे एक ही बार प्रवेश मिलता है।",
        "number": "टिकट संख्या {number}",
    },
}
"""What tickets and calendars say besides the program's own texts."""


class Telling(NamedTuple):
    """To whom it is told, and when."""

    language: str
    """As the reader has it; empty for the program's first."""
    now: datetime

    @property
    def say(self) -> Saying:
        """How numbers and days are written; in English where nobody has translated the words."""
        base = self.language.partition("-")[0].lower()
        return Saying(base if base in LANGUAGES else "en")


def language_of(tx: Tx, house: House, place: tuple[int, Live], row: Redemption) -> str:
    """Tell in which language the one reads who took a reward.

    Args:
        tx: bound to the tenant.
        house: whose keys open what members said.
        place: the tenant, and the program.
        row: the redemption.

    Returns:
        The member's own language; empty for the program's first.
    """
    tenant_id, live = place
    if row.member_id is None:
        return ""
    try:
        member = get_member(tx, Desk(house.vault(tenant_id), live.program_id), member_ref(row.member_id))
    except Problem:
        # Who left is asked no more; the seat is still there until it is given back.
        return ""
    return member.language or ""


def load_entry(tx: Tx, house: House, live: Live, row: Redemption, told: Telling) -> Entry:
    """Tell what a calendar has of a redemption.

    Args:
        tx: bound to the tenant.
        house: with all versions of the program.
        live: the program.
        row: the redemption.
        told: in which language, and when.

    Returns:
        The entry; cancelled where the seat was given back, and where the program says that it was called off,
        or no more when it takes place.

    Raises:
        Problem: `not_a_seat`, or `no_date` where the reward never said when it takes place.
    """
    check_seat(row)
    program, version = live.program, live.program.version
    written = _dated(program, row.reward)
    is_off = row.status == "cancelled" or written is None or written.called_off is not None
    if written is None:
        program = house.version(tx, program.key, (live.program_id, row.version))
        written = _dated(program, row.reward)
    if written is None or written.at is None:
        raise Problem("no_date", "this reward does not say when it takes place")
    starts, ends = times_of(written, program.zone)
    return Entry(
        f"{number_text('red', row.redemption_id)}@{program.key}.guerdon",
        name_of(program, row.reward, told.language),
        starts,
        ends,
        said_in(program, written.place, told.language) or "",
        _described(program, written, row, told),
        told.now,
        # A definition that says another day or place is another version of the entry, and so is a step.
        version * 100 + len(row.steps),
        is_off,
    )


def times_of(written: Reward, zone: Zone) -> tuple[date, date | None]:
    """Tell when something begins and ends.

    Args:
        written: what a definition says of it; it says `at`.
        zone: the program's clock.

    Returns:
        Two instants, or for what takes whole days two days, the second being the first one after it; None
        where nobody knows the end.
    """
    at, lasts = written.at, span_of(written.lasts) if written.lasts is not None else None
    assert at is not None, "whoever has no date has no times"
    if not isinstance(at, datetime):
        return at, None if lasts is None else add_to_day(at, lasts)
    starts = at.replace(tzinfo=zone.info)
    if lasts is None:
        return starts, None
    # Days end at the same time of day; hours are hours, also in the night in which clocks are set.
    day = datetime.combine(add_to_day(at.date(), lasts), at.time(), zone.info)
    whole = timedelta(hours=lasts.hours, minutes=lasts.minutes)
    return starts, (day.astimezone(UTC) + whole)


def write_ticket(live: Live, ticket: TicketShape, told: Telling) -> str:
    """Write a ticket as a page that needs nothing else: to print, or to keep on a phone.

    Args:
        live: the program.
        ticket: in the reader's language.
        told: in which language, and when.

    Returns:
        HTML.
    """
    program, say = live.program, told.say
    written = program.definition.rewards.get(ticket.reward)
    when = ""
    if written is not None and written.at is not None:
        starts, ends = times_of(written, program.zone)
        when = _when(say, program.zone, starts, ends)
    return _PAPER.render(
        language=say.language,
        club=said_in(program, program.definition.name, told.language),
        ticket=ticket,
        when=when,
        people=_people(say, ticket.quantity),
        words=WORDS[say.language],
        number=WORDS[say.language]["number"].format(number=ticket.redemption),
        # The writer of the picture made it of signed letters alone.
        qr=Markup(ticket.qr),  # noqa: S704 - drawn above of signed letters alone
    )


def _dated(program: Program, key: str) -> Reward | None:
    written = program.definition.rewards.get(key)
    return written if written is not None and written.at is not None else None


def _described(program: Program, written: Reward, row: Redemption, told: Telling) -> str:
    own = said_in(program, written.description, told.language)
    number = number_text("red", row.redemption_id)
    words = WORDS[told.say.language]
    lines = [own or "", _people(told.say, row.quantity), words["number"].format(number=number)]
    return "\n".join(line for line in lines if line)


def _people(say: Saying, count: int) -> str:
    words = WORDS[say.language]
    return words["for_one"] if count == 1 else words["for_many"].format(count=say.number(count))


def _when(say: Saying, zone: Zone, starts: date, ends: date | None) -> str:
    if not isinstance(starts, datetime):
        last = starts if ends is None else ends - timedelta(days=1)
        first = say.day_long(starts)
        return first if last == starts else f"{first} – {say.day_long(last)}"
    first = f"{say.day_long(starts, zone)}, {say.clock(starts, zone)}"
    if not isinstance(ends, datetime):
        return first
    clock = say.clock(ends, zone)
    same = zone.day_of(ends) == zone.day_of(starts)
    return f"{first} – {clock}" if same else f"{first} – {say.day_long(ends, zone)}, {clock}"
