"""The program that a page is about, and what the spine beside it shows."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any, Final

from guerdon.base.exact import scaled_text
from guerdon.base.ids import number_text
from guerdon.infra.tx import Tx
from guerdon.members.members import Desk
from guerdon.programs.programs import LiveVersion, list_programs
from guerdon.rules.difference.voice import Voice, as_words
from guerdon.rules.program import Program
from guerdon.web.console.visits import Visit
from guerdon.web.languages.saying import Saying
from guerdon.wiring import Live

_TENDERS: Final = ("points", "store_credit", "gift_card")
MONEY: Final = {"store_credit": "store credit", "gift_card": "gift cards"}
"""What wallets of money are called; `say.text` translates it."""
_WAITING: Final = "select count(*) from (select 1 from quarantine where program_id = %s limit 1000) q"


@dataclass(frozen=True, slots=True)
class Opened:
    """A program, opened for a page."""

    live: Live
    programs: tuple[LiveVersion, ...]
    """All of the tenant's, for the switch."""
    desk: Desk
    name: str
    voice: Voice
    waiting: int
    """How many commands lie in quarantine, at most 1000."""

    @property
    def program(self) -> Program:
        """The live version, compiled."""
        return self.live.program

    @property
    def path(self) -> str:
        """Where its pages are."""
        return f"/console/p/{self.program.key}"

    def units(self, wallet: str, amount: int) -> str:
        """Write units as a decimal text, for `say.number`."""
        return scaled_text(amount, self.program.scales.get(wallet, 0))

    def unit(self, wallet: str) -> str:
        """Name a wallet's unit; a wallet that is gone keeps its key."""
        return self.voice.units(wallet) if wallet in self.program.wallets else wallet

    @property
    def wallets(self) -> tuple[str, ...]:
        """All wallets: points first, then store credit, then gift cards, then what is only shown."""
        wallets = self.program.wallets
        return tuple(
            sorted(wallets, key=lambda key: (not wallets[key].spendable, _TENDERS.index(wallets[key].tender)))
        )

    @property
    def own_wallets(self) -> tuple[str, ...]:
        """Those that a member can have; money of gift cards is nobody's."""
        return tuple(key for key in self.wallets if self.program.wallets[key].tender != "gift_card")

    def named(self, wallet: str, say: Saying) -> str:
        """Name a wallet by its unit, or as what it pays where the unit is money."""
        found = self.program.wallets.get(wallet)
        tender = found.tender if found is not None else "points"
        if tender == "points":
            return self.unit(wallet)
        alike = sum(one.tender == tender for one in self.program.wallets.values())
        return say.text(MONEY[tender]) + (f" ({as_words(wallet)})" if alike > 1 else "")

    def tier(self, ladder: str, level: str) -> str:
        """Name a tier."""
        found = self.program.definition.ladders.get(ladder)
        tier = found.tiers.get(level) if found is not None else None
        return self.voice.called(level, tier.name) if tier is not None else as_words(level)

    def segment(self, key: str) -> str:
        """Name a segment."""
        return self.voice.called(key, self.program.definition.segments[key].name)


def open_program(tx: Tx, visit: Visit, key: str) -> Opened:
    """Open a program for a page.

    Raises:
        Problem: `program_not_found`.
    """
    live = visit.house.live(tx, key)
    definition = live.program.definition
    voice = Voice(definition, (visit.saying.language,))
    row = tx.execute(_WAITING, (live.program_id,)).fetchone()
    assert row is not None
    return Opened(
        live,
        tuple(list_programs(tx)),
        Desk(visit.house.vault(visit.tenant_id), live.program_id),
        voice.text(definition.name),
        voice,
        int(row[0]),
    )


def framed(opened: Opened, place: str) -> dict[str, Any]:
    """Give what every page of a program shows around its own."""
    return {
        "program": opened.program,
        "opened": opened,
        "programs": opened.programs,
        "place": place,
        "waiting": opened.waiting,
        "path": opened.path,
        "zone": opened.program.zone,
    }


def member_path(opened: Opened, member_id: int) -> str:
    """Say where a member's page is."""
    return f"{opened.path}/members/{number_text('mem', member_id)}"
