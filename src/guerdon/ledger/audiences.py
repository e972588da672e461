"""SQL of what is in a wallet of every account at an instant: what `rules.settling` settles for one."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from datetime import datetime
from typing import Any, Final

from guerdon.base.exact import BIGINT_MAX
from guerdon.members.audiences.source import Source
from guerdon.rules.expressions.selecting import SqlColumn
from guerdon.rules.parts import Conversion
from guerdon.rules.program import Program

_LAPSED: Final = """
left join (
    select l.account_id, sum(l.amount)::bigint as amount from account_holds l
    where l.program_id = %(program_id)s and l.kind = 'units' and l.name = %({0})s
        and l.expires_at <= %(w_now)s
    group by 1) h on h.account_id = w.account_id
"""
_DUE: Final = "w.changes_at <= %(w_now)s"
_OF_WALLET: Final = "w.program_id = %(program_id)s and w.wallet = %({0})s"
_LEFT: Final = """
    and l.expires_at > %(w_now)s and coalesce(w.idle_expires_at, 'infinity') > %(w_now)s
"""
# What was booked holds until `changes_at`; from then on the lots tell what time has done.
_FIGURES: Final = """
select w.account_id, w.held - coalesce(h.amount, 0) as held, w.debt,
    case when {due} then coalesce(t.available, 0) else w.available end as available,
    case when {due} then coalesce(t.pending, 0) else w.pending end as pending
from wallets w {lapsed}
left join (
    select w.account_id, sum(l.remaining) filter (where l.available_at <= %(w_now)s) as available,
        sum(l.remaining) filter (where l.available_at > %(w_now)s) as pending
    from wallets w join lots l on l.account_id = w.account_id and l.wallet = w.wallet
    where {of_wallet} and {due} {left}
    group by 1) t on t.account_id = w.account_id
where {of_wallet}
"""
# Units of a wallet that is given up: rounded as a whole, and spread over its lots by largest remainder.
_CONVERTED: Final = """
select s.account_id, sum(s.share) as units,
    sum(s.share) filter (where s.available_at <= %(w_now)s) as available
from (
    select r.account_id, r.available_at, r.share + (
        row_number() over (partition by r.account_id order by r.rest desc, r.place)
        <= r.rounded - sum(r.share) over (partition by r.account_id))::integer as share
    from (
        select o.account_id, o.available_at, o.place, o.rounded,
            div(o.rounded * o.remaining, o.units) as share, mod(o.rounded * o.remaining, o.units) as rest
        from (
            select u.*, {rounded} as rounded from (
                select w.account_id, l.available_at, l.remaining::numeric as remaining,
                    sum(l.remaining) over (partition by w.account_id) as units,
                    row_number() over (partition by w.account_id order by {order}) as place
                from wallets w join lots l on l.account_id = w.account_id and l.wallet = w.wallet {lapsed}
                where {of_wallet} and w.held = coalesce(h.amount, 0) and l.remaining > 0
                    and (w.changes_at is null or w.changes_at > %(w_now)s or (true {left}))) u) o) r) s
group by 1
"""
_ORDERS: Final = {
    "expires_first": "l.expires_at, l.available_at",
    "earned_first": "l.available_at, l.expires_at",
}
_ROUNDED: Final = {
    "floor": "div({n}, {d})",
    "ceil": "div({n} + {d} - 1, {d})",
    "half_up": "div(2 * {n} + {d}, 2 * {d})",
    "half_even": "(div(2 * {n} + {d}, 2 * {d})"
    " - (mod(2 * {n} + {d}, 2 * {d}) = 0 and mod(div(2 * {n} + {d}, 2 * {d}), 2) = 1)::integer)",
}
_HEIR: Final = """
left join ({figures}) {name} on {name}.account_id = a.account_id
cross join lateral (
    select coalesce({name}.available, 0) as available, coalesce({name}.pending, 0) as pending) {name}f0
"""
# What would not fit there stays what it was.
_TAKEN_OVER: Final = """
left join ({converted}) {name}c{n} on {name}c{n}.account_id = a.account_id
cross join lateral (
    select case when {before}.available + {before}.pending + {name}c{n}.units <= {most}
        then {name}c{n}.units else 0 end as units) {name}g{n}
cross join lateral (
    select {before}.available + least({name}g{n}.units, coalesce({name}c{n}.available, 0)) as available,
        {before}.pending + greatest({name}g{n}.units - coalesce({name}c{n}.available, 0), 0) as pending
    ) {name}f{n}
"""


def wallets_of(program: Program, wallets: list[str], now: datetime) -> Iterator[Source]:
    """Write what is in wallets of each account.

    Args:
        program: the live version; it says what becomes of wallets that are given up.
        wallets: keys of wallets of the program.
        now: the instant, UTC.

    Yields:
        The columns of `wallets.<key>`, in whole units.
    """
    for number, key in enumerate(wallets):
        heritage = [one for _, one in sorted(program.retired.items()) if one.into == key]
        yield _source(program, key, heritage, (f"w{number}", now))


def _source(program: Program, key: str, heritage: list[Conversion], named: tuple[str, datetime]) -> Source:
    name, now = named
    parameters: dict[str, Any] = {"w_now": now, f"{name}_key": key}
    join = _HEIR.format(name=name, figures=_with(_FIGURES, f"{name}_key"))
    for n, one in enumerate(heritage, 1):
        parameters[f"{name}_key{n}"] = one.wallet
        text = _with(
            _CONVERTED, f"{name}_key{n}", rounded=_rounded(one), order=_ORDERS[program.spending_order]
        )
        join += _TAKEN_OVER.format(name=name, n=n, converted=text, before=f"{name}f{n - 1}", most=BIGINT_MAX)
    last, scale = f"{name}f{len(heritage)}", f"1e-{program.scales[key]}::numeric"
    held = f"coalesce({name}.held, 0)"
    figures: Mapping[str, str] = {
        "available": f"greatest({last}.available - {held} - coalesce({name}.debt, 0), 0) * {scale}",
        "pending": f"{last}.pending * {scale}",
        "held": f"{held} * {scale}",
    }
    columns = {f"wallets.{key}.{figure}": SqlColumn(text) for figure, text in figures.items()}
    return Source(columns, join, parameters)


def _with(text: str, key: str, **more: str) -> str:
    return text.format(
        due=_DUE, left=_LEFT, of_wallet=_OF_WALLET.format(key), lapsed=_LAPSED.format(key), **more
    )


def _rounded(one: Conversion) -> str:
    """Write how many units all units of a wallet become; neither is ever less than nothing."""
    ratio = one.ratio
    return _ROUNDED[one.rounding].format(
        n=f"(u.units * {ratio.numerator}::numeric)", d=f"{ratio.denominator}::numeric"
    )
