"""How a plan is shown: what changes in sentences, then warnings with their places."""

from __future__ import annotations

from typing import Any

from guerdon.cli.showing import show_note
from guerdon.insight.plans import Plan
from guerdon.rules.definition import Positions
from guerdon.rules.lint import LintWarning

_INACTIVE = "not_active_yet"
_MARKS = {"added": "+", "removed": "-", "changed": "~"}


def show_plan(plan: Plan, name: str, positions: Positions) -> None:
    """Print a plan for people; `name` and `positions` are of the document."""
    if plan.is_new:
        show_note(f"{plan.program}: a new program")
    elif not plan.changed:
        show_note(f"{plan.program}: nothing to do, version {plan.version} says the same")
    else:
        show_note(f"{plan.program}: version {plan.version} would be live")
    for change in plan.changes:
        show_note(f"  {_MARKS[change.kind]} {change.sentence}")
    for warning in plan.warnings:
        if warning.code != _INACTIVE:
            line, column = _place(positions, warning.pointer)
            show_note(
                f"\nwarning: {name}:{line}:{column}: {warning.sentence} [{warning.code}]\n  {warning.advice}"
            )
    inactive = [warning for warning in plan.warnings if warning.code == _INACTIVE]
    if inactive:
        show_note("\naccepted, and not active yet:")
    for warning in inactive:
        line, column = _place(positions, warning.pointer)
        where = f"{name}:{line}:{column}: {warning.place}"
        show_note(f"  {where}: {warning.sentence.removeprefix('Not active yet: ')}")


def plan_data(plan: Plan, positions: Positions) -> dict[str, Any]:
    """Write a plan for programs."""
    return {
        "program": plan.program,
        "version": plan.version,
        "changed": plan.changed,
        "new": plan.is_new,
        "changes": [
            {
                "section": change.section,
                "pointer": change.pointer,
                "kind": change.kind,
                "sentence": change.sentence,
                "before": change.before,
                "after": change.after,
            }
            for change in plan.changes
        ],
        "warnings": [_warning_data(warning, positions) for warning in plan.warnings],
    }


def _warning_data(warning: LintWarning, positions: Positions) -> dict[str, Any]:
    line, column = _place(positions, warning.pointer)
    return {
        "code": warning.code,
        "pointer": warning.pointer,
        "line": line,
        "column": column,
        "place": warning.place,
        "sentence": warning.sentence,
        "advice": warning.advice,
    }


def _place(positions: Positions, pointer: str) -> tuple[int, int]:
    nearest = positions.nearest(pointer)
    node = positions.find(nearest)
    # A map begins at its key for people, and with its first item for the reader of YAML.
    return positions.key_place(nearest) if node and isinstance(node.value, dict) else positions.place(nearest)
