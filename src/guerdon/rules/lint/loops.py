"""Effects that feed themselves."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Final

from guerdon.rules.definition import Definition
from guerdon.rules.limits import NO_LIMITS
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.program import Campaign, Program
from guerdon.rules.reading import RETURNS

_SET_OFF: Final = "badge.earned"


def feeding_effects(asked: Asked) -> Iterator[LintWarning]:
    """Find campaigns that set themselves off, and automatic redemptions that nothing ends.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each circle of badges, and for each `redeem` whose `while` looks at nothing it spends.
    """
    definition = asked.definition
    program = asked.program
    for circle in _circles(program):
        first = circle[0]
        place = next(at for at, one in enumerate(definition.campaigns[first].then) if one.effect == "badge")
        way = " → ".join(f"`{key}`" for key in (*circle, first))
        yield LintWarning(
            "effect_feeds_itself",
            f"/campaigns/{first}/then/{place}/badge",
            f"campaign `{first}`",
            f"A badge sets off what waits for `badge.earned`, and so {way} run in a circle; it ends only "
            "because a badge is given once, and after four rounds.",
            "Ask in `when` for the badge that is meant: `event.data.badge == '…'`.",
        )
    for campaign in program.campaigns:
        for redeem in () if campaign.is_prize else campaign.redeems:
            reward = program.rewards[redeem.reward]
            spent = [wallet for wallet, _ in reward.price]
            reads = redeem.repeat.reads if redeem.repeat is not None else frozenset()
            looks = any(path.startswith(f"wallets.{wallet}") for path in reads for wallet in spent)
            if redeem.repeat is not None and not looks:
                yield LintWarning(
                    "redeem_until_empty",
                    _redeem_place(definition, campaign.key, redeem.reward),
                    f"campaign `{campaign.key}`",
                    f"`while` does not look at {' or '.join(f'`wallets.{key}.available`' for key in spent)}, "
                    f"so `{redeem.reward}` is taken until the wallet is empty.",
                    "Ask in `while` how much there must be left.",
                )


def paying_returns(asked: Asked) -> Iterator[LintWarning]:
    """Find campaigns that give something for sending back, as often as somebody buys and sends back.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each that has no limit.
    """
    for campaign in asked.program.campaigns:
        gives = campaign.awards or campaign.grants
        if campaign.trigger in RETURNS and gives and campaign.limits == NO_LIMITS and not campaign.inactive:
            yield LintWarning(
                "return_pays",
                f"/campaigns/{campaign.key}/trigger",
                f"campaign `{campaign.key}`",
                "What it gives for a return is not taken back, so whoever buys and sends back, again and "
                "again, gets it each time.",
                "Set `limits`, such as `{per_account: 1, per: month}`.",
            )


def _redeem_place(definition: Definition, campaign: str, reward: str) -> str:
    effects = definition.campaigns[campaign].then
    at = next(at for at, one in enumerate(effects) if getattr(one, "reward", "") == reward)
    return f"/campaigns/{campaign}/then/{at}/redeem/while"


def _circles(program: Program) -> Iterator[tuple[str, ...]]:
    """Find the shortest circle through each campaign that waits for badges and gives one."""
    waiting = {one.key: one for one in program.by_trigger.get(_SET_OFF, ()) if one.badges}
    known: set[frozenset[str]] = set()
    for key in sorted(waiting):
        circle = _back_to(key, waiting)
        if circle and frozenset(circle) not in known:
            known.add(frozenset(circle))
            yield circle


def _back_to(start: str, waiting: Mapping[str, Campaign]) -> tuple[str, ...]:
    ways: list[tuple[str, ...]] = [(start,)]
    visited: set[str] = set()
    for way in ways:
        for key in sorted(waiting):
            if not _may_set_off(waiting[way[-1]], waiting[key]):
                continue
            if key == start:
                return way
            if key not in visited:
                visited.add(key)
                ways.append((*way, key))
    return ()


def _may_set_off(giver: Campaign, waiter: Campaign) -> bool:
    """A condition that names the badge waits for that one alone; any other may hold for every badge."""
    if waiter.when is None or "event.data.badge" not in waiter.when.reads:
        return True
    return any(
        f"'{badge}'" in waiter.when.source or f'"{badge}"' in waiter.when.source for badge in giver.badges
    )
