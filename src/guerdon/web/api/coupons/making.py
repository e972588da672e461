"""Batches and shared codes as they are asked for, checked and shown."""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Final

from guerdon.base.errors import Problem
from guerdon.base.exact import scaled_text, to_scaled
from guerdon.base.ids import number_text
from guerdon.rewards.coupons import Batch
from guerdon.rules.coupons.codes import KEY_BYTES, fold, letters_for
from guerdon.rules.coupons.standing import LIMITED, Terms, UseLimit
from guerdon.rules.program import Program
from guerdon.web.api.coupons.shapes import BatchShape, LimitShape, NewBatch
from guerdon.wiring import House

_LEAST_SHARED: Final = 3
_DRAWN: Final = "23456789ABCDEFGHJKMNPQRSTVWXYZ"


def batch_of(asked: NewBatch, program: Program, house: House, tenant_id: int, now: datetime) -> Batch:
    """Make the batch that is asked for.

    Args:
        asked: the body of the call.
        program: the live program.
        house: draws numbers and secrets.
        tenant_id: whose secrets.
        now: when it is made.

    Returns:
        The batch, not yet stored.

    Raises:
        Problem: with the pointer of what is wrong.
    """
    _check(asked, program)
    secret = house.vault(tenant_id).random_bytes(KEY_BYTES)
    if asked.code is not None:
        written, letters = asked.code, 0
    else:
        drawn = "".join(_DRAWN[byte % len(_DRAWN)] for byte in house.vault(tenant_id).random_bytes(4))
        written, letters = asked.prefix or f"{drawn}-", letters_for(asked.size or 0)
    prefix = fold(written)
    if asked.code is not None and len(prefix) < _LEAST_SHARED:
        detail = f"a shared code has at least {_LEAST_SHARED} letters or digits"
        raise Problem.at("/code", "coupon_code_short", detail)
    return Batch(
        batch_id=house.ids.number(),
        name=asked.name or written,
        written=written,
        prefix=prefix,
        letters=letters,
        secret=secret,
        size=asked.size or 1,
        reward=asked.reward,
        terms=_terms(asked),
        starts_at=asked.from_,
        ends_at=asked.until,
        created_at=now,
        revoked_at=None,
    )


def _check(asked: NewBatch, program: Program) -> None:
    if (asked.code is None) == (asked.size is None):
        detail = "either `size`, how many codes are made, or `code`, one that everybody shares"
        raise Problem.at(
            "/size", "batch_size_missing" if asked.size is None else "batch_size_refused", detail
        )
    if asked.code is not None and asked.prefix is not None:
        raise Problem.at("/prefix", "coupon_prefix_refused", "a shared code is written whole")
    if asked.reward not in program.rewards:
        detail = f"this program has no reward {asked.reward!r}"
        raise Problem.at("/reward", "unknown_reward", detail)
    if asked.reward not in program.promotions.coupons:
        detail = "this reward takes nothing off a cart: give it a `discount`"
        raise Problem.at("/reward", "nothing_to_discount", detail)
    if asked.money is not None and to_scaled(asked.money, program.digits, "/money") <= 0:
        raise Problem.at("/money", "amount_invalid", "there is more than nothing on a code")
    _check_times(asked)


def _check_times(asked: NewBatch) -> None:
    for name, at in (("from", asked.from_), ("until", asked.until)):
        if at is not None and at.tzinfo is None:
            raise Problem.at(f"/{name}", "wrong_value", "a time needs its offset, such as `Z`")
    if asked.from_ is not None and asked.until is not None and asked.until <= asked.from_:
        raise Problem.at("/until", "wrong_value", "it ends after it begins")


def _terms(asked: NewBatch) -> Terms:
    single = asked.code is None and asked.money is None
    return Terms(
        uses=asked.uses if asked.uses is not None else (1 if single else None),
        money=asked.money,
        per_account=asked.per_account,
        per_member=asked.per_member,
        total=asked.total,
        per=asked.per,
        limits=_limits(asked),
        channels=asked.channels,
        stores=asked.stores,
    )


def _limits(asked: NewBatch) -> tuple[UseLimit, ...]:
    met = {
        (name, asked.per)
        for name in ("total", "per_account", "per_member")
        if getattr(asked, name) is not None
    }
    limits = []
    for place, one in enumerate(asked.limits):
        counts = [(name, getattr(one, name)) for name in LIMITED if getattr(one, name) is not None]
        if len(counts) != 1:
            detail = f"one limit has one of: {', '.join(LIMITED)}"
            raise Problem.at(f"/limits/{place}", "limit_without_count", detail)
        ((name, at_most),) = counts
        if (name, one.per) in met:
            raise Problem.at(f"/limits/{place}", "limit_twice", f"`{name}` stands twice for one period")
        met.add((name, one.per))
        limits.append(UseLimit(name, at_most, one.per))
    return tuple(limits)


def show_limit(limit: UseLimit) -> LimitShape:
    """Show a limit of codes.

    Args:
        limit: as stored.

    Returns:
        What is shown.
    """
    return LimitShape(**{limit.of: limit.at_most}, per=limit.per)


def show_batch(batch: Batch, digits: int) -> BatchShape:
    """Show a batch without its secret.

    Args:
        batch: as stored.
        digits: decimal places of the currency.

    Returns:
        What is shown.
    """
    terms = batch.terms
    return BatchShape(
        id=number_text("cpb", batch.batch_id),
        name=batch.name,
        reward=batch.reward,
        code=batch.written if batch.is_shared else None,
        prefix=None if batch.is_shared else batch.written,
        size=None if batch.is_shared else batch.size,
        uses=terms.uses,
        money=None if terms.money is None else scaled_text(to_scaled(terms.money, digits), digits),
        per_account=terms.per_account,
        per_member=terms.per_member,
        total=terms.total,
        per=terms.per,
        limits=[show_limit(one) for one in terms.limits],
        channels=terms.channels,
        stores=terms.stores,
        starts_at=_utc(batch.starts_at),
        ends_at=_utc(batch.ends_at),
        created_at=batch.created_at.astimezone(UTC),
        revoked_at=_utc(batch.revoked_at),
    )


def _utc(at: datetime | None) -> datetime | None:
    return None if at is None else at.astimezone(UTC)
