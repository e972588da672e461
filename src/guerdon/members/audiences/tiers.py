"""SQL of the tier that accounts hold at an instant: what `rules.tiers.tier_at` works out for one.

A standing that was booked is taken as it is until its `changes_at`. From then on, where the ladder was
changed and where nothing was booked yet, periods are walked here as `rules.tiers.path` walks them.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime, timedelta
from decimal import Decimal
from typing import Any, Final

from guerdon.base.calendar import EPOCH_DAY, Zone, period_start
from guerdon.members.audiences.peaks import MONTHS, Peaks, first_of, number_of, peaks_of
from guerdon.members.audiences.source import Source
from guerdon.rules.expressions.selecting import SqlColumn
from guerdon.rules.tiers import Ladder

# Whether what was booked is the tier held, or the periods since have to be walked.
_STANDS: Final = """coalesce({0}.definition = %({0}_identity)s
    and ({0}.changes_at is null or {0}.changes_at > %({0}_now)s::timestamptz), false)"""
_JOIN: Final = """
left join tiers {0} on {0}.account_id = a.account_id and {0}.ladder = %({0}_ladder)s
left join ({walk}) {0}w on {0}w.account_id = a.account_id
cross join lateral (
    select case when {stands} then {held} else greatest({0}w.place, case
        when ({0}.given_until <= %({0}_now)s::timestamptz) is not true then {given} else (
            select {after} from jsonb_array_elements({0}.given_next) with ordinality n (given, place)
            where ((n.given ->> 'until')::timestamptz <= %({0}_now)s::timestamptz) is not true
            order by n.place limit 1) end) end as place) {0}p
"""
# A changed ladder takes nothing away before its next review: counting begins with what is held now.
_DUE: Final = """
select g.account_id, g.base, n.first_no, greatest(n.first_no, %({0}_since)s::integer) as since_no,
    {since} as since_on
from (
    select a.account_id, case
            when {0}.account_id is null then 0
            when {0}.definition = %({0}_identity)s then {anchor}
            else (%({0}_kept)s::integer[])[{held} + 1] end as base,
        case
            when {0}.account_id is null then date '{epoch}'
            when {0}.definition = %({0}_identity)s then {0}.anchor_on
            else %({0}_first)s::date end as anchor_on
    from accounts a
    left join tiers {0} on {0}.account_id = a.account_id and {0}.ladder = %({0}_ladder)s
    where a.program_id = %(program_id)s and a.kind <> 'card' and a.merged_into is null and not {stands}) g
cross join lateral (select {start} as start_on offset 0) f
cross join lateral (select {number} as first_no) n
"""
# At the base nothing can be lost, so the periods before the first count need no walking.
_START: Final = """
(case when g.base > 0 then g.anchor_on else greatest(g.anchor_on, least(%({0}_today)s::date, (
    select min(b.bucket_on) from metric_buckets b
    where b.account_id = g.account_id and b.metric = any(%({0}_metrics)s::text[])))) end)
"""
_STRETCH: Final = """
select e.*, n.no from ever e cross join lateral generate_series(e.since_no, %({0}_no)s::integer) n (no)
"""
# Put together by grouping and not by joining, so that no misjudged number of rows makes it slow.
_EARNED: Final = """
select f.account_id, f.no, min(f.base) as base, min(f.first_no) as first_no, {reached} as earned
from (select s.account_id, s.no, s.base, s.first_no, {ever} from stretch s {values}) f
group by 1, 2 having count(f.base) > 0
"""
_VALUES: Final = "union all select v.account_id, v.no, null, null, {columns} from ({text}) v"
# What is kept at a period's end, and the tier with which it began.
_WALK: Final = """
with due as materialized ({due}),
ever as materialized (select d.* {ever} from due d {beside}),
stretch as materialized ({stretch}),
earned as materialized ({earned}),
kept as (
    select *, greatest(earned, {for_life}) as kept from earned
    window w as (partition by account_id order by no)),
based as (
    select *, {began} as began from kept
    window w as (partition by account_id order by no))
select account_id, greatest(
    max(greatest(began, earned)) filter (where no = %({0}_no)s),
    max(began) filter (where kept < began and no = any(%({0}_graces)s::integer[]))) as place
from based group by account_id
"""
_FOR_LIFE: Final = "(%({0}_life)s::integer[])[greatest(base, max(earned) over w) + 1]"
_BEGAN: Final = "coalesce(lag(kept) over w, base)"
# With soft landings it is the highest of what any period before kept, one tier less for each period since.
_LANDED: Final = """
case when no = first_no then base else greatest(lag(kept) over w, (%({0}_earned)s::integer[])[1 + greatest(
    0,
    (%({0}_falls)s::integer[])[base + 1] - (no - first_no - 1),
    max((%({0}_falls)s::integer[])[kept + 1] + no) over (
        partition by account_id order by no rows between unbounded preceding and 2 preceding) + 2 - no)]) end
"""


def tiers_of(ladder: Ladder, zone: Zone, now: datetime, name: str) -> Source:
    """Write the tier that each account holds on a ladder.

    Args:
        ladder: the ladder.
        zone: the program's calendar.
        now: the instant, UTC.
        name: what is joined is called so; parameters begin with it.

    Returns:
        The columns of `account.tiers.<ladder>`.
    """
    names = [f"{name}k{place}" for place in range(len(ladder.metrics))]
    peaks = [
        peaks_of(metric, ladder.review, each, zone.name, f"%({name}_no)s::integer")
        for each, metric in zip(names, ladder.metrics, strict=True)
    ]
    parameters = _parameters(ladder, zone, now, name)
    for one in peaks:
        parameters |= one.parameters
    for place, tier in enumerate(ladder.tiers):
        parameters |= {f"{each}_{place}": least for each, least in zip(names, tier.least, strict=False)}
    stands, held = _STANDS.format(name), _place(name, f"{name}.level")
    due = _DUE.format(
        name,
        number=number_of(ladder.review, "f.start_on"),
        since=first_of(ladder.review, f"greatest(n.first_no, %({name}_since)s::integer)"),
        start=_START.format(name) if _walks_all(ladder) else "g.anchor_on",
        anchor=_place(name, f"{name}.anchor_level"),
        held=_place(name, f"coalesce(nullif({name}.earned_level, ''), {name}.level)"),
        epoch=EPOCH_DAY,
        stands=stands,
    )
    walk = _WALK.format(
        name,
        due=due,
        stretch=_STRETCH.format(name),
        ever="".join(f", {one.text} as {each}" for each, one in zip(names, peaks, strict=True) if one.join),
        beside=" ".join(one.join for one in peaks),
        earned=_earned(ladder, names, peaks),
        for_life=_FOR_LIFE.format(name) if any(tier.lifetime for tier in ladder.tiers) else "0",
        began=_LANDED.format(name) if ladder.soft_landing else _BEGAN,
    )
    given = _place(name, f"{name}.given_level")
    after = _place(name, "(n.given ->> 'tier')")
    join = _JOIN.format(name, walk=walk, stands=stands, held=held, given=given, after=after)
    return Source(_columns(ladder, name), join, parameters)


def _parameters(ladder: Ladder, zone: Zone, now: datetime, name: str) -> dict[str, Any]:
    today = zone.day_of(now)
    first = period_start(ladder.review, today)
    no = (first.year * 12 + first.month - 1) // MONTHS[ladder.review]
    graces = _graces(ladder, zone, now)
    places = range(len(ladder.tiers))
    earned = [place for place in places if ladder.tiers[place].is_earned]
    said: dict[str, Any] = {
        "ladder": ladder.key,
        "identity": ladder.identity,
        "tiers": [tier.key for tier in ladder.tiers],
        "now": now,
        "today": today,
        "first": first,
        "no": no,
        "since": 0 if _walks_all(ladder) else no - _need(ladder, len(graces)),
        "graces": graces,
        "metrics": sorted({metric.identity for metric in ladder.metrics}),
        "life": [ladder.kept_for_life(place) for place in places],
        "earned": earned,
        "falls": [sum(one < place for one in earned) - 1 for place in places],
        "kept": [place if place in earned else ladder.below(place) for place in places],
    }
    return {f"{name}_{key}": value for key, value in said.items()}


def _graces(ladder: Ladder, zone: Zone, now: datetime) -> list[int]:
    """Number the periods at whose end a tier was lost that a grace keeps."""
    found: list[int] = []
    end_on = period_start(ladder.review, zone.day_of(now))
    while end_on > EPOCH_DAY and now < zone.after(zone.start_of(end_on), ladder.grace):
        end_on = period_start(ladder.review, end_on - timedelta(days=1))
        found.append((end_on.year * 12 + end_on.month - 1) // MONTHS[ladder.review])
    return found if ladder.grace else []


def _walks_all(ladder: Ladder) -> bool:
    """Tell whether more than the latest periods bear on the tier that is held: one is kept for life."""
    begins_at_base = ladder.level_for([Decimal(0)] * len(ladder.metrics)) == 0
    return not begins_at_base or (any(one.lifetime for one in ladder.tiers) and not ladder.never_falls)


def _need(ladder: Ladder, graces: int) -> int:
    """Count the periods before the present one that bear on the tier that is held.

    What a period began with is what the one before it kept. With soft landings something is left of what was
    kept so many periods before as there are tiers.
    """
    return graces + (len(ladder.tiers) + 1 if ladder.soft_landing else 1)


def _place(name: str, level: str) -> str:
    """Write a tier's place; one that is no longer on the ladder counts as the base."""
    return f"(coalesce(array_position(%({name}_tiers)s::text[], {level}), 1) - 1)"


def _earned(ladder: Ladder, names: Sequence[str], peaks: Sequence[Peaks]) -> str:
    """Write the highest tier that the peaks of each period reach; what has no row is 0."""
    cases = []
    for place, tier in reversed(list(enumerate(ladder.tiers))):
        if tier.least:
            enough = (f"coalesce(max(f.{each}), 0) >= %({each}_{place})s::numeric" for each in names)
            cases.append(f"when {(' or ' if ladder.by_any else ' and ').join(enough)} then {place}")
    values = []
    for number, one in enumerate(peaks):
        if not one.join:
            columns = ", ".join("v.value" if other == number else "null" for other in range(len(names)))
            values.append(_VALUES.format(columns=columns, text=one.text))
    ever = ", ".join(
        f"s.{each}" if one.join else f"null::numeric as {each}"
        for each, one in zip(names, peaks, strict=True)
    )
    return _EARNED.format(reached=f"case {' '.join(cases)} else 0 end", ever=ever, values=" ".join(values))


def _columns(ladder: Ladder, name: str) -> dict[str, SqlColumn]:
    path, place = f"account.tiers.{ladder.key}", f"{name}p.place"
    benefits = " ".join(
        f"when {number} then %({name}_benefits_{number})s::text[]" for number in range(len(ladder.tiers))
    )
    listed = {f"{name}_benefits_{number}": list(tier.benefits) for number, tier in enumerate(ladder.tiers)}
    rates = {f"{name}_rates": [tier.rate for tier in ladder.tiers]}
    return {
        f"{path}.level": SqlColumn(place),
        f"{path}.key": SqlColumn(f"(%({name}_tiers)s::text[])[{place} + 1]"),
        f"{path}.rate": SqlColumn(f"(%({name}_rates)s::numeric[])[{place} + 1]", rates),
        f"{path}.benefits": SqlColumn(f"case {place} {benefits} end", listed),
    }
