"""Programs: apply a definition, read the live one, list all versions."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final, TypeVar

import msgspec
from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.engine.counting.keeper import waiting
from guerdon.infra.tx import Tx
from guerdon.insight.plans import Asking, Plan, make_plan
from guerdon.programs.programs import (
    NewDefinition,
    Version,
    apply_definition,
    get_live,
    get_version,
    list_programs,
)
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import Definition, load_definition_with_positions
from guerdon.rules.program import Program
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.shapes.programs import (
    Applied,
    ChangeShape,
    CountingShape,
    ProgramLine,
    Programs,
    ProgramShape,
    WarningShape,
)
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Programs"])
Reading = Annotated[Call, Depends(admitted("programs:read"))]
Writing = Annotated[Call, Depends(admitted("programs:write"))]
_MEDIA: Final = ("application/yaml", "application/json")
# curl says the last one where nobody told it what the body is.
_TAKEN: Final = frozenset(
    {
        "",
        *_MEDIA,
        "application/x-yaml",
        "text/yaml",
        "text/plain",
        "application/octet-stream",
        "application/x-www-form-urlencoded",
    }
)


@ROUTER.get("/v1/programs", summary="The tenant's programs", **operation(Programs))
def all_programs(call: Reading) -> Response:
    """Every program with its live version, by key."""
    with call.transaction() as tx:
        rows = list_programs(tx)
    return answer(
        Programs(data=[ProgramLine(program=row.key, version=row.version) for row in rows], next=None)
    )


@ROUTER.put(
    "/v1/programs/{program}",
    summary="Apply a definition",
    **operation(Applied, body=dict[str, Any], media=_MEDIA, also=[(201, Applied)]),
)
def apply(call: Writing, program: str, dry_run: Annotated[bool, Query()] = False) -> Response:
    """Make the definition, YAML or JSON, the live version.

    201 where there is a new one, 200 where the live one says the same already. With `dry_run=true` nothing
    is stored and the answer says what would be: changes in sentences, whom they touch, and warnings.
    """
    definition, compiled, text = _read(call, program)
    if dry_run:
        with call.transaction() as tx:
            plan = make_plan(tx, definition, compiled, Asking(call.now, call.house.in_use(tx, program)))
        return answer(planned(plan, plan.version, dry_run=True))

    def act(tx: Tx) -> tuple[int, Applied]:
        in_use = call.house.in_use(tx, program)
        plan = make_plan(tx, definition, compiled, Asking(call.now, in_use))
        done = apply_definition(
            tx, NewDefinition(definition, text, call.caller.actor, call.now, in_use), call.house.ids
        )
        return (201 if done.changed else 200), planned(plan, done.version, dry_run=False)

    return once(call, act)


def planned(plan: Plan, version: int, *, dry_run: bool) -> Applied:
    """Show what applying comes to, or would come to.

    Args:
        plan: the change, in sentences.
        version: that is live then.
        dry_run: whether nothing was stored.

    Returns:
        The answer.
    """
    return Applied(
        program=plan.program,
        version=version,
        changed=plan.changed,
        dry_run=dry_run,
        changes=[same_shape(ChangeShape, one) for one in plan.changes],
        warnings=[same_shape(WarningShape, one) for one in plan.warnings],
    )


_Shape = TypeVar("_Shape", ChangeShape, WarningShape)


def same_shape(shape: type[_Shape], one: object) -> _Shape:
    """Show a value by the fields of a shape.

    Args:
        shape: of the answer.
        one: has fields of the same names.

    Returns:
        The shape.
    """
    return shape(**{name: getattr(one, name) for name in shape.__struct_fields__})


def _read(call: Call, program: str) -> tuple[Definition, Program, str]:
    if call.media not in _TAKEN:
        raise Problem("unsupported_media_type", "a definition is `application/yaml` or `application/json`")
    definition, positions = load_definition_with_positions(call.body, "the body")
    if definition.program != program:
        detail = f"the definition is of {definition.program!r} and the address of {program!r}"
        raise Problem.at("/program", "program_mismatch", detail)
    return definition, compile_program(definition, 0, positions), call.body.decode("utf-8")


@ROUTER.get("/v1/programs/{program}", summary="The live definition", **operation(ProgramShape))
def live(
    call: Reading, program: str, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Response:
    """The live version, or the one that `version` names."""
    with call.transaction() as tx:
        found = get_live(tx, program) if version is None else get_version(tx, program, version)
        counting = waiting(tx, found) if found.live else None
    shown = CountingShape(waiting=counting.behind, accounts=counting.accounts) if counting else None
    return answer(msgspec.structs.replace(shown_version(found), counting=shown))


def shown_version(found: Version) -> ProgramShape:
    """Show a version of a program.

    Args:
        found: the version.

    Returns:
        Its definition, and the document as it was sent.
    """
    return ProgramShape(
        program=found.key,
        version=found.version,
        live=found.live,
        sha256=hashlib.sha256(found.canonical).hexdigest(),
        applied_by=found.applied_by,
        applied_at=found.applied_at,
        definition=json.loads(found.canonical),
        source=found.source_text,
    )
