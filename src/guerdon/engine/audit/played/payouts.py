"""What charities were paid, beside the donations that nobody can give back any more."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.versions import Versions
from guerdon.infra.tx import Tx

_PAID: Final = """
select program_id, cause, starts_on, ends_on, sum(given), sum(matched), sum(donations)
from cause_payouts group by program_id, cause, starts_on, ends_on
having bool_and(state = 'paid') order by 1, 2, 3
"""
_GIVEN: Final = """
select coalesce(sum((particulars ->> 'given')::numeric), 0),
    coalesce(sum(coalesce(particulars ->> 'matched', '0')::numeric), 0), count(*)
from redemptions
where program_id = %s and kind = 'donation' and status = 'used' and particulars ->> 'cause' = %s
    and issued_at >= %s and issued_at < %s
"""


def check_payouts(tx: Tx, versions: Versions) -> Iterator[Finding]:
    """Add up again what was paid.

    Args:
        tx: as for `verify`.
        versions: compiled ones of the tenant, for the calendar.

    Yields:
        What does not hold.
    """
    for program_id, cause, starts_on, ends_on, *paid in tx.execute(_PAID).fetchall():
        version = versions.find(tx, program_id, 1)
        if version is None:
            continue
        zone = version.program.zone
        edges = (zone.start_of(starts_on), zone.start_of(ends_on))
        given = [*(tx.execute(_GIVEN, (program_id, cause, *edges)).fetchone() or ())]
        # What was used by hand since, or imported, is paid with the next payout of that period.
        if any(one > there for one, there in zip(paid, given, strict=True)):
            name = f"{number_text('prg', program_id)} {cause} {starts_on}"
            wanted, shown = " ".join(map(str, given)), " ".join(map(str, paid))
            yield Finding("payout_unlike_donations", "cause_payouts", name, wanted, shown)
