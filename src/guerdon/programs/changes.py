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
    rewards: Callable[[Collection[str]], Collection[str]] = _nothing
    """Reward keys → those with redemptions that are issued and neither used nor cancelled."""


def check_change(before: bytes, after: bytes, in_use: InUse) -> None:
    """Refuse a change that would break what people hold.

    Args:
        before: canonical bytes of the live definition.
        after: canonical bytes of the new one.
        in_use: what is held.

    Raises:
        Problem: `currency_changed`, `timezone_changed`, `scale_changed`, `tender_changed`, `wallet_in_use`
            or `reward_in_use`, a fault for each place; its own code is that of the first.
    """
    old, new = _parse(before), _parse(after)
    faults = [*_fixed(old, new), *_wallets(old, new, in_use), *_scales(old, new)]
    faults += [*_tenders(old, new, in_use)]
    faults += _rewards(old, new, in_use)
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


def retired_in(canonical: bytes) -> Collection[str]:
    """Find the wallets that a definition gives up.

    Args:
        canonical: its canonical bytes.

    Returns:
        Their keys.
    """
    return _section(_section(_parse(canonical), "retired"), "wallets").keys()


def _wallets(old: Mapping[str, Any], new: Mapping[str, Any], in_use: InUse) -> Iterator[Fault]:
    """Find wallets that go while people hold units of them; those given up before may wait for conversion."""
    conversions = _section(_section(new, "retired"), "wallets")
    gone = sorted((_scales_of(old).keys() - _section(new, "wallets").keys()) - conversions.keys())
    held = set(in_use.wallets(gone)) if gone else set()
    for key in gone:
        if key in held:
            detail = (
                f"members hold units in the wallet {key!r}: say under `retired` what becomes of them, such as"
                f" `retired: {{wallets: {{{key}: {{into: …, rate: 1}}}}}}`, or keep it until nobody holds any"
            )
            yield Fault(f"/wallets/{key}", "wallet_in_use", detail)


def _scales_of(definition: Mapping[str, Any]) -> dict[str, str]:
    """List the decimal places of wallets, of those that are given up too."""
    retired = _section(_section(definition, "retired"), "wallets")
    wallets = {**retired, **_section(definition, "wallets")}
    return {key: one.get("scale", "0") for key, one in wallets.items()}


def _scales(old: Mapping[str, Any], new: Mapping[str, Any]) -> Iterator[Fault]:
    before, after = _scales_of(old), _scales_of(new)
    for key in sorted(before.keys() & after.keys()):
        if before[key] != after[key]:
            place = f"/wallets/{key}" if key in _section(new, "wallets") else f"/retired/wallets/{key}"
            detail = f"a wallet's scale stays what it was: {before[key]}; its units are kept in it"
            yield Fault(f"{place}/scale", "scale_changed", detail)


def _tenders(old: Mapping[str, Any], new: Mapping[str, Any], in_use: InUse) -> Iterator[Fault]:
    """Find wallets with units that would pay as something else; money of gift cards stays on gift cards."""
    before, after = _section(old, "wallets"), _section(new, "wallets")
    conversions = _section(_section(new, "retired"), "wallets")
    others: dict[str, str] = {}
    for key, one in before.items():
        tender = one.get("tender", "points")
        if key in after:
            changed = after[key].get("tender", "points") != tender
            others |= {key: f"/wallets/{key}/tender"} if changed else {}
        elif tender == "gift_card" and key in conversions:
            into = after.get(conversions[key].get("into", ""), {})
            others |= {key: f"/retired/wallets/{key}/into"} if into.get("tender") != tender else {}
    held = set(in_use.wallets(sorted(others))) if others else set()
    for key, place in others.items():
        if key in held:
            detail = f"there are units in the wallet {key!r}, and they pay as what they were given as"
            yield Fault(place, "tender_changed", detail)


def _rewards(old: Mapping[str, Any], new: Mapping[str, Any], in_use: InUse) -> Iterator[Fault]:
    """Find rewards that go while people hold what they took of them."""
    kept = {*_section(new, "rewards"), *_section(_section(new, "retired"), "rewards")}
    gone = sorted(_section(old, "rewards").keys() - kept)
    opened = set(in_use.rewards(gone)) if gone else set()
    for key in gone:
        if key in opened:
            detail = (
                f"members hold redemptions of the reward {key!r} that they have not used: say under `retired`"
                f" that they are honoured, `retired: {{rewards: {{{key}: honour}}}}`, or keep the reward"
            )
            yield Fault(f"/rewards/{key}", "reward_in_use", detail)
