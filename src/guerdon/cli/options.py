"""A command's arguments as one value: a dataclass says them, typer reads them."""

from __future__ import annotations

import dataclasses
import inspect
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Annotated, Any, TypeVar, get_type_hints

import typer
from typer.core import TyperCommand

from guerdon.base.errors import Problem

Options = TypeVar("Options")
Json = Annotated[bool, typer.Option("--json", help="Print the result as JSON instead of a table.")]
Data = Annotated[
    str | None,
    typer.Option(
        "--data",
        metavar="DIR",
        help="Folder of the embedded database; else GUERDON_DATA, or GUERDON_DATABASE_URL for a served one.",
        show_default=False,
    ),
]
Tenant = Annotated[str, typer.Option("--tenant", metavar="KEY", help="Whose program it is.")]
Url = Annotated[
    str | None,
    typer.Option(
        "--url",
        metavar="URL",
        help="Ask a running server instead of opening the database.",
        show_default=False,
    ),
]
Key = Annotated[
    str | None,
    typer.Option(
        "--key",
        metavar="gk_…",
        envvar="GUERDON_API_KEY",
        help="API key for --url.",
        show_default=False,
        show_envvar=True,
    ),
]


def takes(shape: type[Options]) -> Callable[[Callable[[Options], int]], Callable[..., int]]:
    """Give a command its options as one dataclass.

    Args:
        shape: a dataclass; its fields are annotated as typer wants parameters.

    Returns:
        A decorator for the command's function, which takes the filled dataclass.
    """
    hints = get_type_hints(shape, include_extras=True)
    parameters = [
        inspect.Parameter(
            field.name,
            inspect.Parameter.KEYWORD_ONLY,
            default=_default(field),
            annotation=hints[field.name],
        )
        for field in dataclasses.fields(shape)  # type: ignore[arg-type]  # any dataclass will do
    ]

    def decorate(command: Callable[[Options], int]) -> Callable[..., int]:
        def called(**given: Any) -> int:
            return command(shape(**given))

        called.__name__, called.__doc__ = command.__name__, command.__doc__
        called.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]  # read by inspect
        called.__annotations__ = {one.name: one.annotation for one in parameters}
        return called

    return decorate


def _default(field: dataclasses.Field[Any]) -> Any:
    if field.default is not dataclasses.MISSING:
        return field.default
    if field.default_factory is not dataclasses.MISSING:
        return field.default_factory()
    return inspect.Parameter.empty


class ManyFiles(TyperCommand):
    """A command whose `--events` takes one file or several after it, up to the next option."""

    def parse_args(self, ctx: Any, args: list[str]) -> list[str]:
        """Say `--events a b` as `--events a --events b`."""
        return super().parse_args(ctx, spread_out("--events", args))


def spread_out(option: str, args: Sequence[str]) -> list[str]:
    """Repeat an option before each of the values that follow it."""
    said: list[str] = []
    following = False
    for place, word in enumerate(args):
        if word == "--":
            return [*said, *args[place:]]
        if word.startswith("-") and word != "-":
            following = word == option
            said.append(word)
        else:
            if following and said[-1] != option:
                said.append(option)
            said.append(word)
    return said


def instant(text: str | None, option: str) -> datetime | None:
    """Read an instant of the command line."""
    if text is None:
        return None
    try:
        at = datetime.fromisoformat(text)
    except ValueError:
        at = None
    if at is None or at.tzinfo is None:
        detail = f"{option} is a time with an offset, such as 2018-01-01T00:00:00-05:00, not {text!r}"
        raise Problem("time_invalid", detail)
    return at.astimezone(UTC)
