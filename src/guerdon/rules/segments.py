"""Segments: for which accounts an expression holds, and who asks for them."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Final

import msgspec

from guerdon.rules.expressions import EvaluationError, Expression, tree
from guerdon.rules.scope import Scope

_PATH: Final = "account.segments"


class Segment(msgspec.Struct, frozen=True):
    """A segment as compiled."""

    key: str
    when: Expression
    inactive: str = ""
    """Why it is accepted and nobody belongs to it yet, or empty."""


def asked_for(
    expressions: Iterable[Expression | None], segments: Mapping[str, Segment]
) -> tuple[Segment, ...]:
    """Find the segments that expressions can ask for.

    Args:
        expressions: as compiled; None is left out.
        segments: all of the program.

    Returns:
        Those that are active, in order of their keys; all of them where an expression goes through the list.
    """
    names: set[str] = set()
    for expression in expressions:
        if expression is not None:
            names.update(_names(expression, segments))
    return tuple(segments[key] for key in sorted(names) if key in segments and not segments[key].inactive)


def _names(expression: Expression, segments: Mapping[str, Segment]) -> Iterable[str]:
    if not any(path == _PATH or _PATH.startswith(f"{path}.") for path in expression.reads):
        return ()
    names = []
    readings = 0
    for node in tree.walk(expression.tree):
        readings += _is_list(node)
        if isinstance(node, tree.Apply) and node.operation.name == "in":
            wanted, items = node.args
            if isinstance(wanted, tree.Const) and _is_list(items):
                names.append(wanted.value)
    return names if readings == len(names) else segments


def _is_list(node: tree.Node) -> bool:
    return isinstance(node, tree.Field) and node.name == "segments" and isinstance(node.base, tree.Root)


def belongs_to(asked: Iterable[Segment], scope: Scope) -> tuple[str, ...]:
    """Tell which segments an account is in; the caller has entered `exactly()`.

    Args:
        asked: the segments that matter.
        scope: what their conditions see.

    Returns:
        Their keys, in the order given.
    """
    return tuple(one.key for one in asked if _holds(one, scope))


def _holds(one: Segment, scope: Scope) -> bool:
    try:
        return bool(one.when.evaluate(scope))
    except EvaluationError:
        # A condition without a value, as on an attribute that the owner does not have, does not hold.
        return False


def see_segments(asked: Mapping[str, tuple[Segment, ...]], scope: Scope, trigger: str) -> None:
    """Let expressions see the segments that campaigns of a trigger can ask for.

    Args:
        asked: segments by trigger.
        scope: what the campaigns will see, changed where they ask for any.
        trigger: what sets them off.
    """
    of_trigger = asked.get(trigger)
    if of_trigger:
        found = belongs_to(of_trigger, scope)
        scope.account = msgspec.structs.replace(scope.account, segments=found)
