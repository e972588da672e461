"""The program as text: edit, plan, apply; its versions, and taking an earlier text up again."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Annotated, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.infra.tx import Tx
from guerdon.insight.plans import Asking, Plan, make_plan
from guerdon.programs.programs import (
    NewDefinition,
    apply_definition,
    exported_text,
    find_live,
    get_version,
    list_programs,
    list_versions,
)
from guerdon.programs.staff import list_staff
from guerdon.rules.compiling import compile_program
from guerdon.rules.definition import (
    Definition,
    DefinitionError,
    DefinitionFault,
    load_definition_with_positions,
)
from guerdon.rules.program import Program
from guerdon.web.console.opened import framed, open_program
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Applying = Annotated[Visit, Depends(entitled("programs:apply"))]
_TEXT_MOST: Final = 1_000_000
_FAULTS_SHOWN: Final = 20
_AROUND: Final = 2
_FIRST: Final = """program: my-club
name: My Club
currency: USD
timezone: America/New_York

wallets:
  points: {unit: points, expires: {after: 12mo, from: earned}}

campaigns:
  base_earn:
    trigger: order.paid
    then: [{award: {wallet: points, amount: order.earning_base}}]
"""


@dataclass(frozen=True, slots=True)
class Wrong:
    """A wrong place of the text, with the lines around it."""

    line: int
    column: int
    detail: str
    code: str
    nearest: str
    lines: tuple[tuple[int, str, str, str], ...]
    """Number, and the text before, at and behind the caret; only the wrong line has the last two."""


@dataclass(frozen=True, slots=True)
class Read:
    """A definition that could be read and compiled."""

    definition: Definition
    program: Program
    text: str


@ROUTER.get("/console/new")
def new_program(visit: Applying) -> Response:
    """Offer a first definition to begin with."""
    return _new_page(visit, Shown(_FIRST))


@ROUTER.post("/console/new")
def plan_new_program(visit: Applying) -> Response:
    """Plan or apply the first version of a program."""
    return _planned(visit, "")


@ROUTER.get("/console/p/{program}/program")
def text_page(
    visit: Visitor,
    program: str,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    applied: str = "",
) -> Response:
    """Show the live text, or an earlier one that somebody wants to look at or take up again."""
    return _page(visit, program, Shown(version=version, applied=applied == "yes"))


@ROUTER.post("/console/p/{program}/program")
def plan_program(visit: Applying, program: str) -> Response:
    """Plan what the text would change, or apply what was planned."""
    return _planned(visit, program)


def _planned(visit: Visit, key: str) -> Response:
    text = visit.form.get("text", "").replace("\r\n", "\n")
    if len(text) > _TEXT_MOST:
        raise Problem("body_too_large", "A definition has at most a million characters. Nothing was changed.")
    applying, plan = visit.form.get("act") == "apply", None
    try:
        read = read_text(text, key)
        with visit.transaction() as tx:
            if not applying:
                plan = _plan(tx, visit, read)
            else:
                _unmoved(tx, visit, read)
                _apply(tx, visit, read)
    except DefinitionError as error:
        return _again(visit, key, Shown(text, wrong=pictures(error.errors, text)))
    except Problem as problem:
        return _again(visit, key, Shown(text, problem=problem))
    if applying:
        return visit.go(f"/console/p/{read.definition.program}/program?applied=yes")
    return _again(visit, key, Shown(text, plan=plan))


def read_text(text: str, key: str) -> Read:
    """Read and compile a definition that somebody typed.

    Args:
        text: YAML or JSON.
        key: the program that it must be of, empty for any.

    Returns:
        The definition.

    Raises:
        DefinitionError: `invalid_definition`.
        Problem: `program_mismatch`.
    """
    definition, positions = load_definition_with_positions(text, "the text")
    if key and definition.program != key:
        other = definition.program
        detail = f"The text is of the program {other!r}, and this page of {key!r}. Nothing was changed."
        raise Problem.at("/program", "program_mismatch", detail)
    return Read(definition, compile_program(definition, 0, positions), text)


def _plan(tx: Tx, visit: Visit, read: Read) -> Plan:
    in_use = visit.house.in_use(tx, read.definition.program)
    asking = Asking(visit.now, in_use, (visit.saying.language,))
    return make_plan(tx, read.definition, read.program, asking)


def _unmoved(tx: Tx, visit: Visit, read: Read) -> None:
    """Insist that what is applied was planned against the version that is live."""
    # The row's lock, so that nobody applies between this question and our own answer to it.
    tx.execute("select 1 from programs where key = %s for update", (read.definition.program,))
    live = find_live(tx, read.definition.program)
    base = str(live.version) if live is not None else "0"
    if visit.form.get("base") != base:
        detail = f"Version {base} went live in the meantime. Nothing was changed: look at the plan again."
        raise Problem("program_moved_on", detail)


def _apply(tx: Tx, visit: Visit, read: Read) -> None:
    in_use = visit.house.in_use(tx, read.definition.program)
    new = NewDefinition(read.definition, read.text, visit.staff.actor, visit.now, in_use)
    apply_definition(tx, new, visit.house.ids)


@dataclass(frozen=True, slots=True)
class Shown:
    """What the page of a text shows beside it."""

    text: str | None = None
    """None for a version's own."""
    version: int | None = None
    """An earlier version that somebody looks at."""
    plan: Plan | None = None
    wrong: tuple[Wrong, ...] = ()
    problem: Problem | None = None
    applied: bool = False

    @property
    def status(self) -> int:
        """200, or 422 where something was refused."""
        return 422 if self.wrong or self.problem is not None else 200


def _again(visit: Visit, key: str, shown: Shown) -> Response:
    page = _page(visit, key, shown) if key else _new_page(visit, shown)
    # It answers a form: a browser that may keep nothing of it cannot go back to it. It names nobody.
    page.headers["cache-control"] = "private, no-cache"
    return page


def _new_page(visit: Visit, shown: Shown) -> Response:
    plan = shown.plan
    with visit.transaction() as tx:
        programs = tuple(list_programs(tx))
    base = next((one.version for one in programs if plan is not None and one.key == plan.program), 0)
    return visit.page(
        "program.html",
        shown.status,
        place="program",
        programs=programs,
        shown=shown,
        text=shown.text,
        earlier=None,
        base=base,
        versions=(),
        editable=True,
        action="/console/new",
    )


def _page(visit: Visit, key: str, shown: Shown) -> Response:
    text = shown.text
    with visit.transaction() as tx:
        opened = open_program(tx, visit, key)
        versions = list_versions(tx, key)
        live = opened.program.version
        if text is None:
            text = exported_text(get_version(tx, key, shown.version or live))
        names = {one.actor: one.name for one in list_staff(tx)}
    return visit.page(
        "program.html",
        shown.status,
        **framed(opened, "program"),
        shown=shown,
        text=text,
        earlier=shown.version if shown.version != live else None,
        base=live,
        versions=[(one, names.get(one.applied_by, one.applied_by)) for one in versions],
        editable=visit.staff.may("programs:apply"),
        action=f"{opened.path}/program",
    )


def pictures(faults: Sequence[DefinitionFault], text: str) -> tuple[Wrong, ...]:
    """Show wrong places with the lines around them.

    Args:
        faults: the wrong places.
        text: in which they are.

    Returns:
        The first of them.
    """
    lines = text.split("\n")
    return tuple(_picture(fault, lines) for fault in faults[:_FAULTS_SHOWN])


def _picture(fault: DefinitionFault, lines: list[str]) -> Wrong:
    shown = []
    for number in range(max(1, fault.line - _AROUND), min(len(lines), fault.line + _AROUND) + 1):
        line = lines[number - 1][:300]
        at = fault.column - 1 if number == fault.line else len(line)
        shown.append((number, line[:at], line[at : at + 1], line[at + 1 :]))
    return Wrong(fault.line, fault.column, fault.detail, fault.code, fault.nearest, tuple(shown))
