"""What a new version of a definition may not change while people hold what it speaks of."""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass
from typing import Any, cast

from guerdon.base.errors import Fault, Problem


def _nothing(_: Collection[str]) -> frozenset[str]:
    return frozenset()


@dataclass(frozen=True, slots=True)
class InUse:
    """What is held, as the floors above know it; asked only about what a change touches."""

    wallets: Callable[[Collection[str]], Collection[str]] = _nothing
    """Wallet keys → those in which anybody holds units, pending ones and debts included."""
    metrics: Callable[[Collection[str]], Collection[str]] = _nothing
    """Metric names → those that have counted anything (`members.standing.find_counted_metrics`)."""


def check_change(before: bytes, after: bytes, in_use: InUse) -> None:
    """Refuse a change that would break what people hold.

    Args:
        before: canonical bytes of the live definition.
        after: canonical bytes of the new one.
        in_use: what is held.

    Raises:
        Problem: `currency_changed`, `timezone_changed`, `scale_changed`, `wallet_in_use`,
            `wallet_conversion_unavailable` or `metric_in_use`, with a fault for each place; its own code is
            that of the first.
    """
    old, new = _parse(before), _parse(after)
    faults = [*_fixed(old, new), *_wallets(old, new, in_use), *_metrics(old, new, in_use)]
    if faults:
        raise Problem(faults[0].code, faults[0].detail, tuple(faults))


def _parse(canonical: bytes) -> dict[str, Any]:
    return cast("dict[str, Any]", json.loads(canonical))


def _section(definition: Mapping[str, Any], name: str) -> dict[str, Any]:
    return cast("dict[str, Any]", definition.get(name) or {})


def _fixed(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Fault]:
    if old["currency"] != new["currency"]:
        detail = f"a program's currency stays {old['currency']}: start another program for another currency"
        yield Fault("/currency", "currency_changed", detail)
    if old["timezone"] != new["timezone"]:
        detail = f"a program's time zone stays {old['timezone']}: its days have been counted by it"
        yield Fault("/timezone", "timezone_changed", detail)


def _wallets(old: Mapping[str, Any], new: Mapping[str, Any], in_use: InUse) -> Iterator[Fault]:
    before, after = _section(old, "wallets"), _section(new, "wallets")
    removed = sorted(before.keys() - after.keys())
    held = set(in_use.wallets(removed)) if removed else set()
    conversions = _section(_section(new, "retired"), "wallets")
    for key in removed:
        if key in held:
            yield _held_wallet(key, conversions.get(key))
    for key in sorted(before.keys() & after.keys()):
        scale = before[key].get("scale", "0")
        if scale != after[key].get("scale", "0"):
            detail = f"a wallet's scale stays what it was: {scale}; its units are kept in it"
            yield Fault(f"/wallets/{key}/scale", "scale_changed", detail)


def _held_wallet(key: str, conversion: Mapping[str, Any] | None) -> Fault:
    if conversion is None:
        detail = (
            f"members hold units in the wallet {key!r}: say under `retired` what becomes of them, such as"
            f" `retired: {{wallets: {{{key}: {{into: …, rate: 1}}}}}}`, or keep it until nobody holds any"
        )
        return Fault(f"/wallets/{key}", "wallet_in_use", detail)
    # Without the conversion the units would stay in the books, in a wallet that nobody sees any more.
    detail = (
        f"members hold units in the wallet {key!r}, and units are not converted yet: keep the wallet under"
        " `wallets`, let no campaign award into it, and remove it when nobody holds any"
    )
    return Fault(f"/retired/wallets/{key}", "wallet_conversion_unavailable", detail)


def _metrics(old: Mapping[str, Any], new: Mapping[str, Any], in_use: InUse) -> Iterator[Fault]:
    before, after = _section(old, "metrics"), _section(new, "metrics")
    changed = sorted(key for key in before.keys() & after.keys() if before[key] != after[key])
    counted = set(in_use.metrics(changed)) if changed else set()
    for key in changed:
        if key in counted:
            detail = (
                f"the metric {key!r} has counted by its old definition, and a changed one would begin"
                " at nothing: give the new one a name of its own"
            )
            yield Fault(f"/metrics/{key}", "metric_in_use", detail)
