"""`guerdon eval`: what an expression comes to, and where it is wrong."""

from __future__ import annotations

import json
from base64 import b64encode
from collections.abc import Callable
from dataclasses import dataclass
from datetime import UTC, date, datetime, timedelta
from decimal import Decimal
from typing import Annotated, Any, Final

import msgspec
import typer

from guerdon.base.errors import Problem
from guerdon.base.exact import plain_text
from guerdon.cli.options import Json, takes
from guerdon.cli.showing import read_document, show_json, show_note
from guerdon.cli.writing.pictures import pictured
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition_with_positions
from guerdon.rules.events import Event
from guerdon.rules.expressions import EvaluationError, ExpressionError
from guerdon.rules.expressions.runtime.kinds import Optional
from guerdon.rules.program import Program
from guerdon.rules.reading import read_event
from guerdon.rules.state import MemberState
from guerdon.rules.trial import Somebody, try_expression

_EMPTY: Final = b"program: eval\ncurrency: USD\ntimezone: UTC\n"
_ORDER: Final = '{"id":"eval","source":"eval","type":"order.paid","time":"%s","data":'


class Described(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A member as the file of `--member` says."""

    language: str = ""
    birthday: str = ""
    joined_at: datetime | None = None
    role: str = "owner"
    kind: str = "person"
    attributes: dict[str, Any] = {}
    consents: dict[str, bool] = {}
    tiers: dict[str, str] = {}
    badges: tuple[str, ...] = ()
    metrics: dict[str, Decimal] = {}
    wallets: dict[str, Decimal] = {}


_MEMBERS: Final = msgspec.json.Decoder(Described, float_hook=Decimal)


@dataclass(frozen=True, slots=True)
class EvalOptions:
    """What the command takes."""

    expression: Annotated[str, typer.Argument(metavar="EXPR", help="An expression, such as 'order.net * 2'.")]
    program: Annotated[
        str | None, typer.Option("--program", metavar="FILE", help="Definition that declares names.")
    ] = None
    order: Annotated[
        str | None, typer.Option("--order", metavar="FILE", help="JSON of an order, as `order.paid` has it.")
    ] = None
    event: Annotated[str | None, typer.Option("--event", metavar="FILE", help="JSON of a whole event.")] = (
        None
    )
    member: Annotated[
        str | None,
        typer.Option(
            "--member",
            metavar="FILE",
            help="JSON of a member: attributes, consents, tiers, badges, metrics, wallets, …",
        ),
    ] = None
    trigger: Annotated[
        str, typer.Option("--trigger", metavar="TYPE", help="Event type, where no file says it.")
    ] = "order.paid"
    json: Json = False


@takes(EvalOptions)
def evaluate(options: EvalOptions) -> int:
    """Evaluate an expression and print its value and its type, or where it is wrong."""
    program = _program(options.program)
    event, somebody = _event(options, program), _somebody(options.member)
    try:
        value, kind = try_expression(program, options.expression, event, somebody)
    except (ExpressionError, EvaluationError) as error:
        width = error.length if isinstance(error, ExpressionError) else 1
        _show_place(options.expression, (error.line, error.column, width))
        raise
    if options.json:
        show_json({"value": plain(value), "type": str(kind)})
    else:
        typer.echo(f"{shown(value)}  ({kind})")
    return 0


def _program(name: str | None) -> Program:
    document = read_document(name) if name is not None else _EMPTY
    with pictured(document, name or "eval"):
        definition, positions = load_definition_with_positions(document, name or "eval")
        return compile_program(definition, 1, positions)


def _event(options: EvalOptions, program: Program) -> Event:
    now = datetime.now(UTC)
    if options.order is not None and options.event is not None:
        raise Problem("usage", "give --order or --event, not both")
    if options.order is not None:
        raw = (_ORDER % now.isoformat()).encode() + read_document(options.order) + b"}"
        return read_event(raw, program, None, own=True)[1]
    if options.event is not None:
        return read_event(read_document(options.event), program, None, own=True)[1]
    return Event(type=options.trigger, occurred_at=now, booked_at=now)


def _somebody(name: str | None) -> Somebody:
    if name is None:
        return Somebody()
    try:
        said = _MEMBERS.decode(read_document(name))
    except msgspec.DecodeError as error:
        raise Problem("member_invalid", f"{name} does not describe a member: {error}") from None
    member = MemberState(
        member_id=1,
        role=said.role,
        language=said.language,
        birthday=said.birthday,
        joined_at=said.joined_at,
        attributes=said.attributes,
        consents=said.consents,
    )
    return Somebody(member, said.kind, said.tiers, said.badges, said.metrics, said.wallets)


def _show_place(expression: str, place: tuple[int, int, int]) -> None:
    line, column, width = place
    written = expression.split("\n")[line - 1]
    show_note(f"  {written}\n  {' ' * (column - 1)}{'^' * max(1, min(width, len(written) - column + 1))}")


def shown(value: Any) -> str:
    """Write a value as an expression would."""
    said = plain(value)
    return (
        said if isinstance(said, str) and not isinstance(value, str) else json.dumps(said, ensure_ascii=False)
    )


def plain(value: Any) -> Any:
    """Write a value as plain data: numbers exactly, bytes in base 64, a none as null."""
    if isinstance(value, bool) or value is None or isinstance(value, str):
        return value
    if isinstance(value, Optional):
        return plain(value.items[0]) if value.items else None
    if isinstance(value, dict):
        return {str(key): plain(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [plain(item) for item in value]
    return next((write(value) for kinds, write in _WRITERS if isinstance(value, kinds)), str(value))


def _seconds(length: timedelta) -> str:
    return f"{plain_text(Decimal(length // timedelta(microseconds=1)) / 1_000_000)}s"


_WRITERS: Final[tuple[tuple[type | tuple[type, ...], Callable[[Any], str]], ...]] = (
    ((int, Decimal), lambda value: plain_text(Decimal(value))),
    (bytes, lambda value: b64encode(value).decode("ascii")),
    (date, lambda value: str(value.isoformat())),
    (timedelta, _seconds),
)
