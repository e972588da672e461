"""Where each verb is found: only the one that was typed is imported, so that a small answer comes at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import Final, NamedTuple

import typer
from typer.core import TyperCommand

from guerdon.cli.options import ManyFiles

START, WRITE, PAST, CARE = "Begin", "Write a program", "Its past", "Look after it"


class Place(NamedTuple):
    """What a verb is made from."""

    panel: str
    """Under which heading help shows it."""
    module: str
    """The module below `guerdon.cli`."""
    name: str = "app"
    """The function in it, or the application of a group of verbs."""
    shape: type[TyperCommand] | None = None
    """How its words are read, where it is not the usual way."""


VERBS: Final[Mapping[str, Place]] = {
    "demo": Place(START, "demo", "demo"),
    "serve": Place(START, "upkeep", "serve"),
    "plan": Place(WRITE, "programs", "plan"),
    "apply": Place(WRITE, "programs", "apply"),
    "rollback": Place(WRITE, "writing.versions", "rollback"),
    "versions": Place(WRITE, "writing.versions", "versions"),
    "export": Place(WRITE, "writing.versions", "export"),
    "metrics": Place(WRITE, "writing.counting", "metrics"),
    "fmt": Place(WRITE, "writing.fmt", "fmt"),
    "eval": Place(WRITE, "writing.evaluate", "evaluate"),
    "schema": Place(WRITE, "writing.fmt", "schema"),
    "import": Place(PAST, "imports", "import_events"),
    "backtest": Place(PAST, "backtest", "backtest", ManyFiles),
    "explain": Place(PAST, "explain", "explain"),
    "verify": Place(CARE, "upkeep", "verify_all"),
    "doctor": Place(CARE, "doctor", "doctor"),
    "backup": Place(CARE, "care.backup", "backup"),
    "restore": Place(CARE, "care.restore", "restore"),
    "retention": Place(CARE, "care.retention"),
    "merge": Place(CARE, "care.merging", "merge"),
    "tier": Place(CARE, "care.tiers", "tier"),
    "causes": Place(CARE, "giving.causes"),
    "proof": Place(CARE, "proofs.drawn"),
    "anchor": Place(CARE, "proofs.anchoring"),
    "keys": Place(CARE, "keys"),
    "staff": Place(CARE, "access.staff"),
}
"""Verb or group of verbs → its place, in the order in which help shows them."""


def plant(app: typer.Typer, words: Sequence[str]) -> None:
    """Add verbs to an application.

    Args:
        app: the application.
        words: what was typed; where it begins with a verb, only that one is added.
    """
    typed = words[0] if words else ""
    if typed == "--version":
        return
    for verb in [typed] if typed in VERBS else VERBS:
        place = VERBS[verb]
        made = getattr(import_module(f"guerdon.cli.{place.module}"), place.name)
        if isinstance(made, typer.Typer):
            app.add_typer(made, name=verb, rich_help_panel=place.panel)
        else:
            app.command(verb, cls=place.shape, rich_help_panel=place.panel)(made)
