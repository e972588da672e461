"""What the history at hand says about a definition, in queries that look at no more than a sample."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import date, datetime
from decimal import Decimal
from typing import Any, Final

from guerdon.base.calendar import EPOCH_DAY, period_start
from guerdon.infra.tx import Tx
from guerdon.rules.lint import Figures, Holding, LadderMoves, Spread
from guerdon.rules.metrics import Metric
from guerdon.rules.program import Program
from guerdon.rules.tiers import Ladder

ACCOUNTS_AT_MOST: Final = 100_000
"""Of more accounts a sample of about so many is looked at, the same one each time."""
EVENTS_AT_MOST: Final = 100_000
"""So many of the latest events are looked at for their types."""

_COUNT = "select count(*) from accounts where program_id = %s and kind <> 'card' and merged_into is null"
_CHOSEN: Final = """
with chosen as (
    select account_id from accounts tablesample bernoulli (%(percent)s) repeatable (7)
    where program_id = %(program_id)s
)
"""
_LOOKED_AT: Final = """
select count(*) from accounts tablesample bernoulli (%(percent)s) repeatable (7)
where program_id = %(program_id)s and kind <> 'card' and merged_into is null
"""
_TYPES: Final = """
select type, count(*) from (
    select type from events where program_id = %s order by event_id desc limit %s
) latest group by type
"""
_HELD: Final = (
    _CHOSEN
    + """
select w.wallet, count(*), sum(w.available + w.pending) from wallets w join chosen using (account_id)
where w.available <> 0 or w.pending <> 0 or w.held <> 0 group by w.wallet
"""
)
_OPEN: Final = """
select reward, sum(quantity) from redemptions
where program_id = %s and status = 'issued' and reward = any(%s::text[]) group by reward
"""
_BY_PERIODS: Final = """, best as (
    select account_id, max(total) as value from metric_buckets join chosen using (account_id)
    where metric = %(metric)s group by account_id
)"""
_BY_DAYS: Final = """, windows as (
    select account_id, sum(total) over (
        partition by account_id order by bucket_on
        range between %(before)s::interval preceding and current row
    ) as value from metric_buckets join chosen using (account_id) where metric = %(metric)s
), best as (select account_id, max(value) as value from windows group by account_id)"""
_SPREAD: Final = """
select count(*), percentile_disc(0.5) within group (order by value),
    percentile_disc(0.9) within group (order by value), max(value) from best
"""
_MOST_OF_PERIODS: Final = """coalesce((select max(b.total) from metric_buckets b
    where b.account_id = t.account_id and b.metric = %(metric_{n})s
    and b.bucket_on >= %(first_on_{n})s), 0)"""
_SUM_OF_DAYS: Final = """coalesce((select sum(b.total) from metric_buckets b
    where b.account_id = t.account_id and b.metric = %(metric_{n})s
    and b.bucket_on between %(first_on_{n})s and %(today)s), 0)"""
_STEP: Final = "(select count(*) from unnest(%(least_{n})s::numeric[]) as one (least) where least <= {value})"
_STANDING: Final = """
select coalesce(t.earned_level, t.level), array[{steps}] as steps, count(*)
from tiers t join chosen using (account_id) where t.ladder = %(ladder)s group by 1, 2
"""


@dataclass(frozen=True, slots=True)
class Look:
    """What is looked at."""

    program_id: int
    at: datetime
    """The instant of asking, UTC."""
    before: Program
    """The live definition, compiled."""
    after: Program
    """The new one, compiled; the same where nothing changes."""


def load_figures(tx: Tx, look: Look) -> Figures:
    """Gather what lint compares a definition with.

    Args:
        tx: bound to the tenant.
        look: the program and its two definitions.

    Returns:
        The figures; of very many accounts a sample is looked at.
    """
    accounts = int(_one(tx, _COUNT, (look.program_id,)))
    percent = min(Decimal(100), Decimal(100 * ACCOUNTS_AT_MOST) / max(accounts, 1))
    sample = {"percent": percent, "program_id": look.program_id}
    gone = sorted(look.before.rewards.keys() - look.after.rewards.keys())
    return Figures(
        at=look.at,
        accounts=accounts,
        looked_at=accounts if percent == 100 else int(_one(tx, _LOOKED_AT, sample)),
        events=dict(tx.execute(_TYPES, (look.program_id, EVENTS_AT_MOST)).fetchall()),
        metrics={
            key: spread
            for key, metric in look.after.metrics.items()
            if (spread := _spread(tx, metric, sample)) is not None
        },
        wallets={key: Holding(count, int(units)) for key, count, units in tx.execute(_HELD, sample)},
        ladders={
            key: _moves(tx, look, ladder, sample)
            for key, ladder in look.after.ladders.items()
            if key in look.before.ladders and look.before.ladders[key].identity != ladder.identity
        },
        open_redemptions={
            reward: int(count)
            for reward, count in (tx.execute(_OPEN, (look.program_id, gone)) if gone else ())
        },
    )


def _one(tx: Tx, statement: str, values: Any) -> Any:
    row = tx.execute(statement, values).fetchone()
    assert row is not None
    return row[0]


def _can_look_at(metric: Metric) -> bool:
    """Tell whether the sums of single buckets say what a metric comes to."""
    if metric.window.rolling:
        return metric.fold == "sum"
    return metric.fold in ("sum", "distinct", "max") and metric.window.is_fixed


def _spread(tx: Tx, metric: Metric, sample: dict[str, Any]) -> Spread | None:
    if not _can_look_at(metric):
        return None
    rolling = metric.window.rolling
    # A window of n days is the day itself and n - 1 before it.
    before = f"{rolling.months} months {rolling.days - 1} days" if rolling else ""
    values = {**sample, "metric": metric.identity, "before": before}
    row = tx.execute(_CHOSEN + (_BY_DAYS if rolling else _BY_PERIODS) + _SPREAD, values).fetchone()
    return Spread(*row) if row is not None and row[0] else None


def _moves(tx: Tx, look: Look, ladder: Ladder, sample: dict[str, Any]) -> LadderMoves:
    """Count who stands elsewhere by the new ladder and not by the old one, by what they have at present."""
    if not all(_can_look_at(metric) for metric in ladder.metrics):
        return LadderMoves(0, 0)
    old = look.before.ladders[ladder.key]
    comparable = [one.identity for one in old.metrics] == [one.identity for one in ladder.metrics]
    today = look.after.zone.day_of(look.at)
    values: dict[str, Any] = {**sample, "ladder": ladder.key, "today": today}
    steps, least = [], []
    for place, metric in enumerate(ladder.metrics):
        tiers = (*old.tiers, *ladder.tiers) if comparable else ladder.tiers
        rolling = metric.window.rolling is not None
        least.append(sorted({tier.least[place] for tier in tiers if tier.is_earned}))
        values[f"metric_{place}"] = metric.identity
        values[f"least_{place}"] = least[-1]
        values[f"first_on_{place}"] = (
            metric.window.reaches_back_to(today) if rolling else _first_on(ladder, metric, today)
        )
        counted = (_SUM_OF_DAYS if rolling else _MOST_OF_PERIODS).format(n=place)
        steps.append(_STEP.format(n=place, value=counted))
    up = down = 0
    for level, found, count in tx.execute(_CHOSEN + _STANDING.format(steps=", ".join(steps)), values):
        reached = [some[step - 1] if step else Decimal(-1) for some, step in zip(least, found, strict=True)]
        held, was_held = ladder.level_of(level), old.level_of(level)
        stands = ladder.level_for(reached)
        # Whoever would move by the old ladder just the same is not moved by the change.
        by_old = old.level_for(reached) if comparable else was_held
        up += count * (stands > held and by_old <= was_held)
        down += count * (stands < held and held > ladder.kept_for_life(held) and by_old >= was_held)
    return LadderMoves(up, down)


def _first_on(ladder: Ladder, metric: Metric, today: date) -> date:
    if metric.window.is_endless:
        return EPOCH_DAY
    return min(period_start(ladder.review, today), metric.window.reaches_back_to(today))
