"""Choosing later: a reward that was given with its choice open is settled by the member or by staff."""

from __future__ import annotations

from decimal import Decimal

from guerdon.base.errors import Problem
from guerdon.rules.decision import NewRedemption
from guerdon.rules.draft import Draft
from guerdon.rules.events import Choose, Redeem
from guerdon.rules.giving import code_of, fix, valid_until
from guerdon.rules.limits import Draw
from guerdon.rules.offering import SENTENCES, check_offer, choice_draw, chosen_of, why_not_chosen
from guerdon.rules.program import Program
from guerdon.rules.seating import check_line
from guerdon.rules.spending import REFUSALS, reward_draws


def choose(draft: Draft, command: Choose) -> None:
    """Settle what a redemption is: what it costs was paid when it was given.

    Stock and seats of the choice are taken now; what is limited by periods counts on the day of the giving,
    as the redemption itself does, so that giving it back frees the same.

    Args:
        draft: the decision.
        command: the redemption as it stands, and the choice.

    Raises:
        Problem: `unknown_reward`, `nothing_to_choose`, `choice_missing`, `choice_unknown`,
            `reward_not_for_tier`, `out_of_stock`, `limit_reached` or `budget_spent`, with nothing changed.
    """
    asked = draft.program.rewards.get(command.reward)
    if asked is None:
        raise Problem("unknown_reward", f"this program has no reward {command.reward!r}")
    if not asked.choices:
        raise Problem("nothing_to_choose", "nothing is chosen of this reward")
    refused = why_not_chosen(asked, command.choice)
    if refused:
        listed = ", ".join(asked.choices)
        raise Problem.at("/choice", refused, f"{SENTENCES[refused]}; there are: {listed}")
    given = chosen_of(draft.program, asked, command.choice) or asked
    check_offer(draft, given, granted=True, by_campaign=True)
    draws = choosing_draws(draft.program, command)
    for draw, amount, code in draws:
        if draft.room(draw) < amount:
            raise Problem.at("/choice", code, REFUSALS[code])
    check_line(draft, given, Decimal(command.quantity))
    is_other = given is not asked
    particulars = command.particulars
    if is_other:
        particulars = fix(draft, given, Redeem(0, asked.key, command.quantity), asked)
    draft.chosen.append(
        NewRedemption(
            command.redemption_id,
            given.key,
            given.kind,
            command.quantity,
            command.price,
            code_of(draft, given) if is_other else command.code,
            command.campaign,
            valid_until(draft, given.valid) if is_other else command.expires_at,
            "" if is_other else command.choice,
            particulars,
        )
    )
    for draw, amount, _ in draws:
        draft.draw(draw, amount)


def choosing_draws(program: Program, command: Choose) -> list[tuple[Draw, Decimal, str]]:
    """List what a choice draws from, beside what the giving drew.

    Args:
        program: the version that decides.
        command: the redemption as it stands, and the choice.

    Returns:
        Each counter, how much is drawn, and the code of the refusal where there is no room.
    """
    asked = program.rewards.get(command.reward)
    if asked is None:
        return []
    of_choice = choice_draw(asked, command.choice)
    draws = [] if of_choice is None else [(of_choice, Decimal(command.quantity), "out_of_stock")]
    given = chosen_of(program, asked, command.choice)
    if given is not None:
        taken_on = program.zone.day_of(command.taken_at)
        draws += reward_draws(given, command.quantity, command.member_id, taken_on)
    return draws
