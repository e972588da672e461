"""All warnings about a definition, in a stable order."""

from __future__ import annotations

from typing import Final

from guerdon.rules.definition import Definition
from guerdon.rules.lint.asked import Asked
from guerdon.rules.lint.counting.reach import unfillable_tiers, unread_metrics
from guerdon.rules.lint.figures import Figures
from guerdon.rules.lint.findings import LintWarning
from guerdon.rules.lint.firing import false_conditions, over_schedules, silent_triggers
from guerdon.rules.lint.generosity import generous_awards
from guerdon.rules.lint.history import (
    converted_wallets,
    counted_anew,
    dropped_rewards,
    held_wallets,
    moved_accounts,
    unreached_tiers,
)
from guerdon.rules.lint.loops import feeding_effects, paying_returns
from guerdon.rules.lint.sections import (
    endless_draws,
    false_section_conditions,
    impossible_challenges,
    impossible_quizzes,
    unreachable_steps,
)
from guerdon.rules.lint.selling.caps import awards_above_limit, idle_limits, rewards_above_balance
from guerdon.rules.lint.selling.carts import amounts_over_minimum, free_shipping, gifts_over_minimum
from guerdon.rules.lint.selling.invitations import dear_invitations
from guerdon.rules.lint.selling.prizes import dear_prizes
from guerdon.rules.lint.selling.rewards import cheap_coupons, closed_rewards, unreached_rewards
from guerdon.rules.lint.talking.community import farmed_campaigns, farmed_challenges, unheard_campaigns
from guerdon.rules.lint.texts import missing_texts, not_active, uncarried_types
from guerdon.rules.lint.worth import empty_budgets, rewards_under_cost, stacked_discounts
from guerdon.rules.program import Program

_CHECKS: Final = (
    generous_awards,
    feeding_effects,
    paying_returns,
    false_conditions,
    false_section_conditions,
    silent_triggers,
    over_schedules,
    unreached_tiers,
    unfillable_tiers,
    unread_metrics,
    impossible_challenges,
    dear_prizes,
    dear_invitations,
    impossible_quizzes,
    unreachable_steps,
    endless_draws,
    farmed_campaigns,
    farmed_challenges,
    unheard_campaigns,
    rewards_under_cost,
    cheap_coupons,
    closed_rewards,
    unreached_rewards,
    rewards_above_balance,
    awards_above_limit,
    idle_limits,
    stacked_discounts,
    gifts_over_minimum,
    amounts_over_minimum,
    free_shipping,
    empty_budgets,
    missing_texts,
    uncarried_types,
    not_active,
)


def lint(definition: Definition, program: Program, figures: Figures | None = None) -> tuple[LintWarning, ...]:
    """Warn of what costs money or does nothing.

    Args:
        definition: the definition.
        program: the same, compiled.
        figures: the history at hand and the time; None where there is none, and then less is said.

    Returns:
        Warnings, what costs money first and what is not active yet last.
    """
    asked = Asked(definition, program, figures)
    return tuple(warning for check in _CHECKS for warning in check(asked))


def lint_change(before: Definition, after: Definition, figures: Figures) -> tuple[LintWarning, ...]:
    """Say whom a change touches.

    Args:
        before: the live definition.
        after: the new one.
        figures: the history at hand, its ladders as the new definition has them.

    Returns:
        Warnings with numbers of accounts.
    """
    checks = (counted_anew, moved_accounts, converted_wallets, held_wallets, dropped_rewards)
    return tuple(warning for check in checks for warning in sorted(check(before, after, figures), key=_place))


def _place(warning: LintWarning) -> str:
    return warning.pointer
