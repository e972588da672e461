"""Making a failing plan small: chunks are left out, then single acts, as long as it goes on failing."""

from __future__ import annotations

from collections.abc import Callable

from tests.world.actors import Step

Fails = Callable[[list[Step]], bool]
"""Plays a plan, and tells whether it fails as the first one did."""


def shrink(plan: list[Step], fails: Fails, tries: int = 300) -> list[Step]:
    """Leave out whatever a failure does not need.

    Args:
        plan: one that fails.
        fails: plays a plan.
        tries: how many plans are played at most.

    Returns:
        A smaller plan that fails.
    """
    plan, tries = _without_chunks(plan, fails, tries)
    for place in reversed(range(len(plan))):
        acts = [[act] for act in plan[place]]
        before, behind = plan[:place], plan[place + 1 :]

        def still(rest: list[Step], before: list[Step] = before, behind: list[Step] = behind) -> bool:
            return fails([*before, *_joined(rest), *behind])

        acts, tries = _without_chunks(acts, still, tries)
        plan = [*before, *_joined(acts), *behind]
    return plan


def _joined(acts: list[Step]) -> list[Step]:
    return [[act for step in acts for act in step]] if acts else []


def _without_chunks(parts: list[Step], fails: Fails, tries: int) -> tuple[list[Step], int]:
    size = (len(parts) + 1) // 2
    while size and tries > 0:
        place = 0
        while place < len(parts) and tries > 0:
            rest = parts[:place] + parts[place + size :]
            tries -= 1
            if rest and fails(rest):
                parts = rest
            else:
                place += size
        size //= 2
    return parts, tries
