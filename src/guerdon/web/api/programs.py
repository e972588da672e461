"""Programs: apply a definition, read the live one, list all versions."""

from __future__ import annotations

import hashlib
import json
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.programs.programs import (
    NewDefinition,
    Version,
    apply_definition,
    check_definition,
    get_live,
    get_version,
    list_programs,
    list_versions,
)
from guerdon.rules.definition import Definition, inactive_parts, load_definition_with_positions
from guerdon.rules.program import compile_program
from guerdon.web.api.call import Call, admitted, answer
from guerdon.web.api.once import once
from guerdon.web.api.shapes import (
    Applied,
    ProgramLine,
    Programs,
    ProgramShape,
    Versions,
    VersionShape,
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
    is stored and the answer says what would be.
    """
    definition, text = _read(call, program)
    warnings = [f"{part.pointer}: {part.why}" for part in inactive_parts(definition)]
    if dry_run:
        with call.transaction() as tx:
            planned = check_definition(tx, definition, call.house.in_use(tx, program))
        version, changed = (planned.version, planned.changed) if planned is not None else (1, True)
        return answer(
            Applied(program=program, version=version, changed=changed, dry_run=True, warnings=warnings)
        )

    def act(tx: Tx) -> tuple[int, Applied]:
        new = NewDefinition(definition, text, call.caller.actor, call.now, call.house.in_use(tx, program))
        done = apply_definition(tx, new, call.house.ids)
        said = Applied(
            program=program, version=done.version, changed=done.changed, dry_run=False, warnings=warnings
        )
        return (201 if done.changed else 200), said

    return once(call, act)


def _read(call: Call, program: str) -> tuple[Definition, str]:
    if call.media not in _TAKEN:
        raise Problem("unsupported_media_type", "a definition is `application/yaml` or `application/json`")
    definition, positions = load_definition_with_positions(call.body, "the body")
    if definition.program != program:
        detail = f"the definition is of {definition.program!r} and the address of {program!r}"
        raise Problem.at("/program", "program_mismatch", detail)
    compile_program(definition, 0, positions)
    return definition, call.body.decode("utf-8")


@ROUTER.get("/v1/programs/{program}", summary="The live definition", **operation(ProgramShape))
def live(
    call: Reading, program: str, version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None
) -> Response:
    """The live version, or the one that `version` names."""
    with call.transaction() as tx:
        found = get_live(tx, program) if version is None else get_version(tx, program, version)
    return answer(_shown(found))


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


def _shown(found: Version) -> ProgramShape:
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
