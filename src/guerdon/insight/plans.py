"""What applying a definition would come to: the change, whom it touches, and what to look at before."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from guerdon.infra.tx import Tx
from guerdon.insight.figures import Look, load_figures
from guerdon.programs.changes import InUse
from guerdon.programs.programs import check_definition, find_live
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import Definition, load_definition
from guerdon.rules.difference import Change, compare
from guerdon.rules.lint import Figures, LintWarning, lint, lint_change
from guerdon.rules.program import Program


@dataclass(frozen=True, slots=True)
class Asking:
    """Who asks for a plan, and when."""

    at: datetime
    """The instant, UTC."""
    in_use: InUse = field(default_factory=InUse)
    """What people hold."""
    languages: Sequence[str] = ()
    """The reader's languages for names, before the program's own."""


@dataclass(frozen=True, slots=True)
class Plan:
    """What applying a definition would come to."""

    program: str
    version: int
    """The version that would be live then."""
    is_new: bool
    """Whether there is no such program yet."""
    changes: tuple[Change, ...]
    """Empty exactly where the live version says the same."""
    warnings: tuple[LintWarning, ...]
    """Whom the change touches first, then what lint says."""

    @property
    def changed(self) -> bool:
        """Whether applying would make a version."""
        return bool(self.changes)


def make_plan(tx: Tx, definition: Definition, program: Program, asking: Asking) -> Plan:
    """Work out what applying a definition would come to; nothing is stored.

    Args:
        tx: bound to the tenant.
        definition: the definition.
        program: the same, compiled.
        asking: who asks, and when.

    Returns:
        The plan.

    Raises:
        Problem: what `check_definition` raises where people hold what the change would break.
    """
    live = find_live(tx, definition.program)
    if live is None:
        return plan_first(definition, program, asking)
    before = load_definition(live.canonical)
    planned = check_definition(tx, definition, asking.in_use)
    assert planned is not None
    look = Look(live.program_id, asking.at, compile_program(before, live.version), program)
    figures = load_figures(tx, look)
    return Plan(
        program=definition.program,
        version=planned.version,
        is_new=False,
        changes=compare(before, definition, asking.languages),
        warnings=(*lint_change(before, definition, figures), *lint(definition, program, figures)),
    )


def plan_first(definition: Definition, program: Program, asking: Asking) -> Plan:
    """Work out what the first version of a program would come to.

    Args:
        definition: the definition.
        program: the same, compiled.
        asking: who asks, and when.

    Returns:
        The plan.
    """
    return Plan(
        program=definition.program,
        version=1,
        is_new=True,
        changes=compare(None, definition, asking.languages),
        warnings=lint(definition, program, Figures(asking.at)),
    )
