"""What charities were paid, beside the donations that nobody can give back any more, and beside the trail."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import date, datetime
from decimal import Decimal, InvalidOperation
from typing import Any, Final, NamedTuple

from guerdon.base.calendar import Period
from guerdon.base.errors import Problem
from guerdon.base.findings import Finding
from guerdon.base.ids import number_text
from guerdon.engine.audit.versions import Versions
from guerdon.infra.tx import Tx
from guerdon.programs.audit import list_acts_of
from guerdon.rewards.charity.payouts import PAID_OUT, Payout, list_payouts, period_of

_GIVEN: Final = """
select coalesce(sum((particulars ->> 'given')::numeric), 0),
    coalesce(sum(coalesce(particulars ->> 'matched', '0')::numeric), 0), count(*)
from redemptions
where program_id = %s and kind = 'donation' and status = 'used' and particulars ->> 'cause' = %s
    and issued_at >= %s and issued_at < %s
"""
_PERIODS: Final[Mapping[int, Period]] = {4: "year", 7: "month"}

_COMPARED: Final = (
    "ends_on", "given", "matched", "donations", "reference", "begun_at", "begun_by", "paid_at"
)  # fmt: skip

_Key = tuple[int, str, date, int]


class _Told(NamedTuple):
    """What the trail says of a payout."""

    ends_on: date
    given: Decimal
    matched: Decimal
    donations: int
    reference: str
    begun_at: datetime
    begun_by: str
    paid_at: datetime


def check_payouts(tx: Tx, versions: Versions) -> Iterator[Finding]:
    """Add up again what was paid, and look for each payment in the trail, and for each of the trail.

    Args:
        tx: as for `verify`.
        versions: compiled ones of the tenant, for the calendar.

    Yields:
        What does not hold.
    """
    told = _told(tx)
    periods: dict[tuple[int, str, date, date], list[Payout]] = {}
    for one in list_payouts(tx):
        periods.setdefault((one.program_id, one.cause, one.starts_on, one.ends_on), []).append(one)
    for paid in periods.values():
        yield from _check_sums(tx, versions, paid)
        for number, one in enumerate(paid, 1):
            if one.number != number:
                yield Finding(
                    "payout_missing", "cause_payouts", _name(one._replace(number=number)), "a row", "none"
                )
            yield from _check_told(one, told.pop(_key(one), None))
    for (program_id, cause, starts_on, number), act in told.items():
        name = f"{number_text('prg', program_id)} {cause} {starts_on} {number}"
        yield Finding("payout_missing", "cause_payouts", name, f"{act.given + act.matched:f} paid", "none")


def _check_sums(tx: Tx, versions: Versions, paid: list[Payout]) -> Iterator[Finding]:
    first = paid[0]
    version = versions.find(tx, first.program_id, 1)
    if version is None or any(one.state != "paid" for one in paid):
        return
    zone = version.program.zone
    edges = (zone.start_of(first.starts_on), zone.start_of(first.ends_on))
    given = [*(tx.execute(_GIVEN, (first.program_id, first.cause, *edges)).fetchone() or ())]
    sums = [sum(getattr(one, name) for one in paid) for name in ("given", "matched", "donations")]
    # What was used by hand since, or imported, is paid with the next payout of that period.
    if any(one > there for one, there in zip(sums, given, strict=True)):
        wanted, shown = " ".join(map(str, given)), " ".join(map(str, sums))
        yield Finding(
            "payout_unlike_donations", "cause_payouts", _name(first).rpartition(" ")[0], wanted, shown
        )


def _check_told(one: Payout, told: _Told | None) -> Iterator[Finding]:
    if one.state == "closing":
        if told is not None:
            yield Finding("payout_unlike_trail", "cause_payouts", f"{_name(one)} state", "paid", one.state)
        return
    if told is None:
        yield Finding(
            "payout_unlike_trail", "cause_payouts", _name(one), "none", f"{one.given + one.matched:f}"
        )
        return
    for name in _COMPARED:
        wanted, found = getattr(told, name), getattr(one, name)
        if wanted != found:
            key = f"{_name(one)} {name}"
            yield Finding("payout_unlike_trail", "cause_payouts", key, str(wanted), str(found))


def _told(tx: Tx) -> dict[_Key, _Told]:
    found = {}
    for act in list_acts_of(tx, PAID_OUT):
        said = _read(act.detail, act.at)
        if said is not None and act.program_id is not None:
            starts_on, number, told = said
            found[act.program_id, act.object.removeprefix("cause:"), starts_on, number] = told
    return found


def _read(detail: Mapping[str, Any], at: datetime) -> tuple[date, int, _Told] | None:
    """Read an act; None for one that this program did not write."""
    try:
        name = detail["period"]
        period = "quarter" if "Q" in name else _PERIODS[len(name)]
        starts_on, ends_on = period_of(name, period)
        told = _Told(
            ends_on=ends_on,
            given=Decimal(detail["given"]),
            matched=Decimal(detail["total"]) - Decimal(detail["given"]),
            donations=int(detail["donations"]),
            reference=str(detail["reference"]),
            begun_at=datetime.fromisoformat(detail["begun_at"]),
            begun_by=str(detail["begun_by"]),
            paid_at=at,
        )
        return starts_on, int(detail["number"]), told
    except (LookupError, TypeError, ValueError, InvalidOperation, Problem):
        return None


def _key(one: Payout) -> _Key:
    return one.program_id, one.cause, one.starts_on, one.number


def _name(one: Payout) -> str:
    return f"{number_text('prg', one.program_id)} {one.cause} {one.starts_on} {one.number}"
