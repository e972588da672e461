"""What expressions read beside the event, kept with the decision."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from decimal import Decimal
from typing import Any

from guerdon.base.exact import plain_text
from guerdon.rules.draft import Draft
from guerdon.rules.scope import MetricValues, Scope, WalletViews

_MADE_WHEN_READ = (MetricValues, WalletViews)


def note_inputs(draft: Draft, scope: Scope, trigger: str) -> None:
    """Keep what expressions read beside the event itself, so that the decision can be explained.

    Args:
        draft: the decision.
        scope: what they see.
        trigger: what set them off.
    """
    for path in draft.program.inputs_of.get(trigger, ()):
        value: Any = scope
        for name in path.split("."):
            value = _part(value, name)
        if value is not None:
            kept = _written(value)
            if draft.inputs.setdefault(path, kept) != kept:
                # A follow-on finds other balances than the event did; each keeps what it saw.
                draft.inputs[f"{trigger}/{path}"] = kept
    for path in draft.program.personal_of.get(trigger, ()):
        person: Any = scope
        for name in path.split("."):
            person = _part(person, name)
        if person not in (None, ""):
            draft.personal[path] = None


def _part(value: Any, name: str) -> Any:
    if isinstance(value, dict):
        return _made(value, name) if isinstance(value, _MADE_WHEN_READ) else value.get(name)
    return getattr(value, name, None)


def _made(value: MetricValues | WalletViews, name: str) -> Any:
    try:
        return value[name]
    except KeyError:
        # Of nothing there is no least, greatest or latest.
        return None


def _written(value: Any) -> Any:
    """Write a value as decisions keep it: texts, and lists and maps of them."""
    if isinstance(value, Decimal):
        return plain_text(value)
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, datetime):
        return value.isoformat()
    if isinstance(value, tuple | list):
        return [_written(one) for one in value]
    if isinstance(value, Mapping):
        return {str(name): _written(one) for name, one in value.items()}
    return str(value)
