"""Who reads the page: the member, the program, and the words in which it is said."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from pathlib import Path
from typing import Final

import msgspec

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_decimal
from guerdon.base.ids import number_text
from guerdon.engine.play.quizzes import Taker
from guerdon.infra.tx import Tx
from guerdon.members.crypto import Vault
from guerdon.members.identities import member_ref
from guerdon.members.members import Desk, Member, get_member
from guerdon.rules.difference.voice import Voice
from guerdon.rules.program import Program
from guerdon.web.console.opened import Opened
from guerdon.web.languages.saying import LANGUAGES, Saying
from guerdon.web.pages.visits import Visit
from guerdon.wiring import Live

_HERE: Final = Path(__file__).parent
TEXTS: Final[dict[str, dict[str, str]]] = {
    language: msgspec.json.decode((_HERE / "words" / f"{language}.json").read_bytes(), type=dict[str, str])
    for language in LANGUAGES
}
"""By language, what the page says under each of its names."""


@dataclass(frozen=True, slots=True)
class Reader:
    """A member who reads their page."""

    visit: Visit
    taker: Taker
    member: Member
    opened: Opened
    say: Saying
    now: datetime

    @property
    def texts(self) -> Mapping[str, str]:
        """The page's words in the reader's language."""
        return TEXTS[self.say.language]

    @property
    def program(self) -> Program:
        """The live version."""
        return self.taker.program

    @property
    def zone(self) -> Zone:
        """By whose clock days are told."""
        return self.program.zone

    @property
    def vault(self) -> Vault:
        """Keys of the tenant."""
        return self.opened.desk.vault

    @property
    def ref(self) -> str:
        """The member's id as people see it."""
        return number_text("mem", self.taker.member_id)

    @property
    def path(self) -> str:
        """Where the page is."""
        return self.visit.path

    @property
    def host(self) -> str:
        """By which the page was opened."""
        return str(self.visit.request.base_url).rstrip("/")

    def text(self, name: str, /, **values: object) -> str:
        """Say something; numbers among the values are written in the reader's digits."""
        shown = {
            key: self.say.number(value) if isinstance(value, (int, Decimal)) else value
            for key, value in values.items()
        }
        return self.texts[name].format(**shown)

    def units(self, wallet: str, amount: int) -> str:
        """Write units of a wallet with their name, such as `1,478 points`."""
        exact = scaled_decimal(amount, self.program.scales.get(wallet, 0))
        kept = self.program.wallets.get(wallet)
        if kept is not None and kept.tender != "points":
            return self.say.money(exact, self.program.definition.currency)
        return f"{self.say.number(exact)} {self.opened.unit(wallet)}"

    def local(self, at: date) -> str:
        """Write a local day of the program's, with its time where it has one."""
        if not isinstance(at, datetime):
            return self.say.day_long(at)
        return f"{self.say.day_long(at)}, {self.say.clock(at.replace(tzinfo=self.zone.info), self.zone)}"

    def price(self, amounts: Mapping[str, int]) -> str:
        """Write what something costs; empty where it costs nothing."""
        return " + ".join(self.units(wallet, amount) for wallet, amount in amounts.items() if amount)


def read_in(tx: Tx, visit: Visit) -> Reader:
    """Find out who reads, and in which language: what the address asks for, else the member's own.

    Args:
        tx: bound to the tenant.
        visit: by a good address.

    Returns:
        The reader.

    Raises:
        Problem: `link_ended`, `program_not_found` or `member_not_found`.
    """
    whose = visit.whose
    taker = visit.taker(tx, whose)
    desk = Desk(whose.premises.house.vault(whose.tenant_id), taker.program_id)
    member = get_member(tx, desk, member_ref(taker.member_id))
    own = member.language if member.language in LANGUAGES else ""
    say = Saying(visit.asked or own or visit.language)
    live = Live(taker.program_id, taker.program.version, taker.program)
    voice = Voice(taker.program.definition, (say.language,))
    name = voice.text(taker.program.definition.name)
    return Reader(visit, taker, member, Opened(live, (), desk, name, voice, 0), say, whose.now)


def refusal(reader: Reader, problem: Problem) -> str:
    """Say why something was not done.

    Args:
        reader: who is told.
        problem: the refusal.

    Returns:
        A sentence in the reader's language.
    """
    own = reader.texts.get(f"refused_{problem.code}")
    return own if own is not None else reader.text("refused", why=reader.say.problem(problem.code))
