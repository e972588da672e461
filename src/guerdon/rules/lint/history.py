"""What the history at hand says against a definition, and whom a change touches."""

from __future__ import annotations

from collections.abc import Iterator

from guerdon.base.exact import scaled_text
from guerdon.rules.definition import Definition, number_text
from guerdon.rules.difference import Voice
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.figures import Figures
from guerdon.rules.lint.findings import LintWarning


def unreached_tiers(asked: Asked) -> Iterator[LintWarning]:
    """Find tiers that nobody has ever come to.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each tier above the greatest value that its metric ever had.
    """
    definition = asked.definition
    figures = asked.figures
    voice = Voice(definition)
    for key, ladder in definition.ladders.items():
        for place, metric in enumerate(ladder.climbed_by):
            spread = figures.metrics.get(metric) if figures is not None else None
            if spread is None or ladder.reached_by == "any":
                continue
            for name, tier in ladder.tiers.items():
                least = ladder.least(name)
                if least and least[place] > spread.highest:
                    yield LintWarning(
                        "tier_never_reached",
                        f"/ladders/{key}/tiers/{name}/from",
                        f"tier `{key}.{name}`",
                        f"Nobody has ever reached {voice.called(name, tier.name)}, which begins at "
                        f"{number_text(least[place])}: the greatest `{metric}` of {spread.accounts} "
                        f"accounts was {number_text(spread.highest)}.",
                        f"Nine of ten have at most {number_text(spread.ninetieth)}; begin the tier lower, "
                        "or keep it as a far goal.",
                    )


def moved_accounts(before: Definition, after: Definition, figures: Figures) -> Iterator[LintWarning]:
    """Say how many accounts a changed ladder moves.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history with the moves of the new ladders.

    Yields:
        A warning for each changed ladder that moves anybody.
    """
    for key, moves in figures.ladders.items():
        old, new = before.ladders.get(key), after.ladders.get(key)
        if old is None or new is None or old == new or not (moves.up or moves.down):
            continue
        sampled = _about(figures)
        yield LintWarning(
            "tiers_move",
            f"/ladders/{key}",
            f"ladder `{key}`",
            f"{sampled}{moves.up} of {figures.looked_at} accounts would go up at their next event or in the "
            f"night, and {moves.down} would go down at their next review as things stand.",
            "Nobody goes down before their review.",
        )


def counted_anew(before: Definition, after: Definition, figures: Figures) -> Iterator[LintWarning]:
    """Say which metrics are counted from history.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history.

    Yields:
        A warning for each new or changed metric of events that there were.
    """
    for key, metric in after.metrics.items():
        if before.metrics.get(key) == metric or not figures.events.get(metric.event):
            continue
        yield LintWarning(
            "metric_counted_anew",
            f"/metrics/{key}",
            f"metric `{key}`",
            f"The metric `{key}` counts from history: {figures.accounts} accounts are counted again, each "
            "before anything more is decided about it, and the others in the background.",
            "Until that is through, pages and lists show what is counted so far.",
        )


def dropped_rewards(before: Definition, after: Definition, figures: Figures) -> Iterator[LintWarning]:
    """Find rewards that go while people hold them.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history.

    Yields:
        A warning for each removed reward with redemptions that are neither used nor cancelled.
    """
    voice = Voice(before)
    for key in before.rewards.keys() - after.rewards.keys():
        count = figures.open_redemptions.get(key, 0)
        if count:
            yield LintWarning(
                "reward_has_open_redemptions",
                f"/rewards/{key}",
                f"reward `{key}`",
                f"{voice.reward(key)} is removed, and {count} redemptions of it are neither used nor "
                "cancelled.",
                "They stay readable and can be used or cancelled; nobody can take a new one.",
            )


def converted_wallets(before: Definition, after: Definition, figures: Figures) -> Iterator[LintWarning]:
    """Say how many accounts and units the conversion of a wallet touches.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history.

    Yields:
        A warning for each wallet that is given up while anybody holds units of it.
    """
    for key, conversion in after.retired.wallets.items():
        holding = figures.wallets.get(key)
        if holding is None or before.retired.wallets.get(key) == conversion:
            continue
        held = scaled_text(holding.units, conversion.scale)
        if conversion.rate is None:
            what, advice = (
                "expire with their wallet",
                "They cannot be had back; `into:` another wallet keeps them.",
            )
        else:
            what = f"turn into `{conversion.into}` at {number_text(conversion.rate)} a unit"
            advice = (
                "Lots keep their dates; each account's units are rounded together, and the ledger says how."
            )
        yield LintWarning(
            "wallet_converts",
            f"/retired/wallets/{key}",
            f"wallet `{key}`",
            f"{_about(figures)}{holding.accounts} accounts hold {held} units of it, which {what}, "
            "each account's at its next event or in the night; balances show it at once.",
            advice,
        )


def held_wallets(before: Definition, after: Definition, figures: Figures) -> Iterator[LintWarning]:
    """Say how many accounts hold units of a wallet whose rules change.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history.

    Yields:
        A warning for each wallet that anybody holds and whose expiry, pending time or worth changes.
    """
    for key, holding in figures.wallets.items():
        old, new = before.wallets.get(key), after.wallets.get(key)
        if old is None or new is None:
            continue
        names = [name for name in ("expires", "pending", "worth") if getattr(old, name) != getattr(new, name)]
        if names:
            worth = "; what a unit is worth changes at once" if "worth" in names else ""
            yield LintWarning(
                "wallet_rules_change",
                f"/wallets/{key}/{names[0]}",
                f"wallet `{key}`",
                f"{holding.accounts} accounts hold units of it. Units earned so far keep their dates{worth}.",
                "New rules hold for units earned from now on.",
            )


def _about(figures: Figures) -> str:
    return "" if figures.looked_at >= figures.accounts else f"In a sample of {figures.accounts} accounts: "
