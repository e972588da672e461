"""Versions of a program: list them, read one, compare two, have one back."""

from __future__ import annotations

from typing import Annotated, Final

import msgspec
from fastapi import APIRouter, Depends, Path, Query, Response

from guerdon.infra.tx import Tx
from guerdon.insight.plans import Asking, Plan, make_plan
from guerdon.programs.programs import RollingBack, get_live, get_version, list_versions, roll_back
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import load_definition
from guerdon.rules.difference import compare
from guerdon.web.api.calls.call import Call, admitted, answer
from guerdon.web.api.calls.once import once
from guerdon.web.api.programs import planned, same_shape, shown_version
from guerdon.web.api.shapes.programs import (
    Applied,
    ChangeShape,
    DifferenceShape,
    ProgramShape,
    Versions,
    VersionShape,
)
from guerdon.web.outline import operation

ROUTER: Final = APIRouter(tags=["Programs"])
Reading = Annotated[Call, Depends(admitted("programs:read"))]
Writing = Annotated[Call, Depends(admitted("programs:write"))]
Number = Annotated[int, Path(ge=1, le=2**31 - 1)]


class Rollback(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Which version is wanted back, and why."""

    to: Annotated[int, msgspec.Meta(ge=1, le=2**31 - 1)]
    """The version whose text is to be live again."""
    reason: Annotated[str, msgspec.Meta(max_length=1_000)] = ""
    """Kept in the audit trail."""


@ROUTER.get("/v1/programs/{program}/versions", summary="All versions", **operation(Versions))
def versions(call: Reading, program: str) -> Response:
    """All versions, newest first, without their texts."""
    with call.transaction() as tx:
        get_live(tx, program)
        rows = list_versions(tx, program)
    lines = [
        VersionShape(**{name: getattr(row, name) for name in VersionShape.__struct_fields__}) for row in rows
    ]
    return answer(Versions(data=lines, next=None))


@ROUTER.get("/v1/programs/{program}/versions/{version}", summary="One version", **operation(ProgramShape))
def version(call: Reading, program: str, version: Number) -> Response:
    """What was applied then, as it was sent and as it is kept."""
    with call.transaction() as tx:
        get_live(tx, program)
        found = get_version(tx, program, version)
    return answer(shown_version(found))


@ROUTER.get(
    "/v1/programs/{program}/versions/{version}/difference",
    summary="What lies between two versions",
    **operation(DifferenceShape),
)
def difference(
    call: Reading, program: str, version: Number, to: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Response:
    """What changes from this version to the one that `to` names, in sentences; to the live one without it."""
    with call.transaction() as tx:
        live = get_live(tx, program)
        before = get_version(tx, program, version)
        after = live if to is None else get_version(tx, program, to)
    changes = compare(load_definition(before.canonical), load_definition(after.canonical))
    return answer(
        DifferenceShape(
            program=program,
            before=before.version,
            after=after.version,
            changes=[same_shape(ChangeShape, one) for one in changes],
        )
    )


@ROUTER.post(
    "/v1/programs/{program}/rollback",
    summary="Have an earlier version back",
    **operation(Applied, body=Rollback, also=[(201, Applied)]),
)
def rollback(call: Writing, program: str, dry_run: Annotated[bool, Query()] = False) -> Response:
    """An earlier text is live again, as a new version: the history of versions only grows.

    201 where there is a new one, 200 where the live one says the same already. It is refused where people
    hold what the earlier text did not know. With `dry_run=true` nothing is stored.
    """
    asked = call.read(Rollback)
    if dry_run:
        with call.transaction() as tx:
            plan = _plan(tx, call, program, asked.to)
        return answer(planned(plan, plan.version, dry_run=True))

    def act(tx: Tx) -> tuple[int, Applied]:
        plan = _plan(tx, call, program, asked.to)
        in_use = call.house.in_use(tx, program)
        wanted = RollingBack(program, asked.to, call.caller.actor, call.now, in_use, asked.reason)
        done = roll_back(tx, wanted, call.house.ids)
        return (201 if done.changed else 200), planned(plan, done.version, dry_run=False)

    return once(call, act)


def _plan(tx: Tx, call: Call, program: str, to: int) -> Plan:
    get_live(tx, program)
    definition = load_definition(get_version(tx, program, to).canonical)
    asking = Asking(call.now, call.house.in_use(tx, program))
    return make_plan(tx, definition, compile_program(definition, 0), asking)
