"""What is wrong in a definition, drawn where it is wrong."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from guerdon.base.errors import Problem
from guerdon.cli.showing import console_of_errors
from guerdon.rules.definition import DefinitionError, render


@contextmanager
def pictured(document: bytes, name: str) -> Iterator[None]:
    """Draw the wrong places of a definition under a caret before its refusal goes on."""
    try:
        yield
    except DefinitionError as error:
        text = document.decode("utf-8", "replace")
        console_of_errors().print(
            render(error.errors, text, name), markup=False, highlight=False, soft_wrap=True
        )
        count = len(error.errors)
        detail = f"{name} has {count} wrong place{'s' if count > 1 else ''}"
        raise Problem(error.code, detail) from None
