"""What posts and shares cost without an end, and what waits for a community that is closed."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Final

from guerdon.rules.definition import Definition, Limits
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.findings import LintWarning

_OF_COMMUNITY: Final = frozenset({"post.approved", "answer.approved", "post.liked"})
_OF_SHARING: Final = frozenset({"share.approved", "share.visited", "share.joined"})


def farmed_campaigns(asked: Asked) -> Iterator[LintWarning]:
    """Find campaigns that give for posts, likes, shares or visits as often as somebody likes.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, one in asked.definition.campaigns.items():
        if one.trigger in _OF_COMMUNITY | _OF_SHARING and one.limits == Limits():
            yield LintWarning(
                "farming_unlimited",
                f"/campaigns/{key}/limits",
                f"campaign `{key}`",
                f"The campaign `{key}` gives for each `{one.trigger}` without an end; friends can make many.",
                "Give it a limit, such as `limits: {per_account: 5, per: month}`.",
            )


def farmed_challenges(asked: Asked) -> Iterator[LintWarning]:
    """Find challenges that come again and again for posts, likes, shares or visits.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    for key, one in asked.definition.challenges.items():
        metric = asked.definition.metrics[one.metric] if one.metric is not None else None
        again = one.every is not None or one.repeatable
        if metric is None or not again or one.limits != Limits():
            continue
        if metric.event in _OF_COMMUNITY | _OF_SHARING:
            yield LintWarning(
                "farming_unlimited",
                f"/challenges/{key}/limits",
                f"challenge `{key}`",
                f"The challenge `{key}` comes again with more `{metric.event}`, and friends can make many.",
                "Give it a limit, such as `limits: {per_account: 5, per: month}`.",
            )


def unheard_campaigns(asked: Asked) -> Iterator[LintWarning]:
    """Find campaigns that wait for posts or shares where there can be none.

    Args:
        asked: the definition, the same compiled, and the history.

    Yields:
        A warning for each.
    """
    definition = asked.definition
    for key, one in definition.campaigns.items():
        why = _closed(definition, one.trigger)
        if why:
            yield LintWarning(
                "community_closed",
                f"/campaigns/{key}/trigger",
                f"campaign `{key}`",
                f"The campaign `{key}` waits for `{one.trigger}`, and {why[0]}.",
                why[1],
            )


def _closed(definition: Definition, trigger: str) -> tuple[str, str] | None:
    if trigger in _OF_COMMUNITY and definition.community.approve == "closed":
        return "the community is closed", "Open it, such as with `community: {approve: all}`."
    if trigger in _OF_SHARING and not definition.sharing.of:
        return "nothing can be shared", "Say what can, such as with `sharing: {of: [purchase, badge]}`."
    return None
