"""What the expressions of a program read, and what follows from it."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence

from guerdon.rules import definition as written
from guerdon.rules.definition import Definition
from guerdon.rules.expressions import Expression
from guerdon.rules.parts import Campaign
from guerdon.rules.segments import Segment, asked_for
from guerdon.rules.stepping import COMPLETED, TAKING

_STANDING = ("wallets", "metrics", "account.tiers", "account.badges", "account.segments", "account.scores")


def standing_read(expression: Expression | None) -> str:
    """Find what an expression reads of the account's standing, which depends on what came before.

    Args:
        expression: the expression, or None.

    Returns:
        The first dotted path, or nothing.
    """
    reads = sorted(expression.reads) if expression is not None else []
    return next((path for path in reads if _is_under(path, _STANDING)), "")


def _is_under(path: str, roots: Iterable[str]) -> bool:
    return any(path == root or path.startswith(f"{root}.") for root in roots)


def inactive_because(one: written.Campaign, made: Campaign) -> str:
    """Say why a campaign is accepted and does nothing yet.

    Args:
        one: as written.
        made: as compiled.

    Returns:
        The reason, or nothing for a campaign that runs.
    """
    if one.trigger == "checkout":
        return "carts are priced by the campaigns of a checkout"
    later = sorted({effect.effect for effect in one.then if effect.effect in ("discount", "gift", "message")})
    if later:
        return f"effect {later[0]} is not carried out yet"
    return not_kept(path for expression in expressions_of(made) for path in expression.reads)


def not_kept(reads: Iterable[str]) -> str:
    """Say what of all that is read does not exist yet.

    Args:
        reads: dotted paths.

    Returns:
        The reason, or nothing where all exists.
    """
    missing = next((path for path in sorted(reads) if _is_under(path, _KEPT_LATER)), "")
    return f"{missing} is not kept yet" if missing else ""


_KEPT_LATER = ("account.scores",)


def expressions_of(campaign: Campaign) -> list[Expression]:
    """List a campaign's expressions.

    Args:
        campaign: as compiled.

    Returns:
        Its audience, condition, amounts, factors and repetitions.
    """
    every = [campaign.audience, campaign.when, *(award.amount for award in campaign.awards)]
    every += [each for one in campaign.multipliers for each in (one.by, one.where)]
    every += [one.repeat for one in campaign.redeems]
    return [one for one in every if one is not None]


def asked_by(
    campaigns: Iterable[Campaign], segments: Mapping[str, Segment]
) -> dict[str, tuple[Segment, ...]]:
    """Find the segments that campaigns can ask for.

    Args:
        campaigns: as compiled.
        segments: all of the program.

    Returns:
        By trigger: those that are active, in order of their keys.
    """
    by_trigger: dict[str, list[Expression]] = {}
    for campaign in campaigns:
        if not campaign.inactive:
            by_trigger.setdefault(campaign.trigger, []).extend(expressions_of(campaign))
    return {trigger: asked_for(some, segments) for trigger, some in by_trigger.items()}


_INPUT_ROOTS = ("account", "member", "metrics", "wallets")


def inputs_of(
    campaigns: Iterable[Campaign],
    segments: Mapping[str, Iterable[Segment]],
    definition: Definition,
    about: tuple[Sequence[Expression], Sequence[Expression]] = ((), ()),
) -> dict[str, tuple[str, ...]]:
    """List what campaigns, and the segments that they ask for, read beside the event.

    Args:
        campaigns: as compiled.
        segments: by trigger, those that its campaigns ask for.
        definition: says what is personal.
        about: what is asked about accounts for rewards, and for challenges.

    Returns:
        By trigger: dotted paths in order, personal values left out.
    """
    return _inputs(_all_read(campaigns, segments, about), definition, personal=False)


def personal_of(
    campaigns: Iterable[Campaign],
    segments: Mapping[str, Iterable[Segment]],
    definition: Definition,
    about: tuple[Sequence[Expression], Sequence[Expression]] = ((), ()),
) -> dict[str, tuple[str, ...]]:
    """List what personal values campaigns, and the segments that they ask for, read of people.

    Args:
        campaigns: as compiled.
        segments: by trigger, those that its campaigns ask for.
        definition: says what is personal.
        about: what is asked about accounts for rewards, and for challenges.

    Returns:
        By trigger: dotted paths in order.
    """
    return _inputs(_all_read(campaigns, segments, about), definition, personal=True)


def _all_read(
    campaigns: Iterable[Campaign],
    segments: Mapping[str, Iterable[Segment]],
    about: tuple[Sequence[Expression], Sequence[Expression]],
) -> list[tuple[str, Expression]]:
    """List what is evaluated, by trigger."""
    active = [one for one in campaigns if not one.inactive]
    read = [(one.trigger, each) for one in active for each in expressions_of(one)]
    read += [(TAKING, each) for each in about[0]]
    read += [(COMPLETED, each) for each in about[1]]
    read += [
        (trigger, one.when) for trigger in {name for name, _ in read} for one in segments.get(trigger, ())
    ]
    return read


def _inputs(
    read: Iterable[tuple[str, Expression]], definition: Definition, *, personal: bool
) -> dict[str, tuple[str, ...]]:
    names = {name for name, one in definition.attributes.items() if one.personal} | {"birthday"}
    by_trigger: dict[str, set[str]] = {}
    for trigger, expression in read:
        by_trigger.setdefault(trigger, set()).update(
            path
            for path in expression.reads
            if path.split(".")[0] in _INPUT_ROOTS and bool(names.intersection(path.split("."))) is personal
        )
    return {trigger: tuple(sorted(paths)) for trigger, paths in by_trigger.items() if paths}
