"""Backtests from the page: asked for, watched, stopped, and their reports read."""

from __future__ import annotations

import secrets
import tempfile
from dataclasses import dataclass
from decimal import Decimal
from pathlib import Path
from typing import Annotated, Any, Final

from fastapi import APIRouter, Depends, Query, Response

from guerdon.base.errors import Problem
from guerdon.connect.imports.mapping import load_mapping
from guerdon.connect.imports.mapping.load import MappingError
from guerdon.insight.backtest.trials import (
    NewTrial,
    Source,
    Trial,
    add_trial,
    ask_stop,
    get_trial,
    list_files,
    list_trials,
    load_file,
    load_texts,
    parse_id,
    remove_trial,
)
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import exported_text, get_version
from guerdon.programs.staff import list_staff
from guerdon.rules.definition import DefinitionError
from guerdon.web.console.chart import stitch_length, stitches
from guerdon.web.console.forms import FILE_LIMIT, Upload
from guerdon.web.console.opened import Opened, framed, open_program
from guerdon.web.console.rooms.program import Wrong, pictures, read_text
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled
from guerdon.web.trials.runner import Asked
from guerdon.web.trials.task import Task

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Trying = Annotated[Visit, Depends(entitled("programs:apply"))]
_EVENTS: Final = (".ndjson", ".jsonl", ".ndjson.gz", ".jsonl.gz")
_ROWS: Final = (".csv", ".csv.gz", ".tsv", ".tsv.gz", ".parquet")
_TEXT_MOST: Final = 1_000_000
_MAPPING_MOST: Final = 100_000
_REPORT_POLICY: Final = (
    "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none';"
    " frame-ancestors 'none'; sandbox"
)
_MEDIA: Final = {
    "report.html": "text/html; charset=utf-8",
    "report.json": "application/json",
    "accounts.csv": "text/csv; charset=utf-8",
    "rejects.ndjson": "application/x-ndjson",
}


@dataclass(frozen=True, slots=True)
class Typed:
    """The form as it is filled in."""

    text: str
    source: Source = "stored"
    mapping: str = ""
    beside: bool = True
    """Whether the live definition is run too, to be compared with."""
    wrong: tuple[Wrong, ...] = ()
    wrong_mapping: tuple[Wrong, ...] = ()
    problem: Problem | None = None


@ROUTER.get("/console/p/{program}/backtests")
def backtests(visit: Visitor, program: str) -> Response:
    """List a program's backtests."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        rows = list_trials(tx, opened.live.program_id, visit.now)
        names = {one.actor: one.name for one in list_staff(tx)}
    return visit.page("backtests.html", **framed(opened, "backtests"), rows=rows, names=names)


@ROUTER.get("/console/p/{program}/backtests/new")
def offer(
    visit: Trying,
    program: str,
    version: Annotated[int | None, Query(ge=1, le=2**31 - 1)] = None,
    again: Annotated[str, Query(max_length=40)] = "",
) -> Response:
    """Offer to try a version, or what an earlier backtest tried."""
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        if again:
            text = load_texts(tx, opened.live.program_id, parse_id(again))[-1]
        else:
            text = exported_text(get_version(tx, program, version or opened.program.version))
    return _form_page(visit, program, Typed(text))


@ROUTER.post("/console/p/{program}/backtests/new")
def take_over(visit: Trying, program: str) -> Response:
    """Take over the text that somebody is writing; a text with a wrong place is shown with it."""
    typed = _typed(visit)
    try:
        read_text(typed.text, program)
    except DefinitionError as error:
        typed = Typed(typed.text, wrong=pictures(error.errors, typed.text))
    except Problem as problem:
        typed = Typed(typed.text, problem=problem)
    return _form_page(visit, program, typed)


@ROUTER.post("/console/p/{program}/backtests")
def begin(visit: Trying, program: str) -> Response:
    """Ask for a backtest; the same form sent twice asks once."""
    typed = _typed(visit)
    try:
        read_text(typed.text, program)
        _check_history(typed, visit.upload)
        visit.premises.trials.check_room()
        backtest_id, path = _ask(visit, program, typed)
    except MappingError as error:
        wrong = pictures(error.errors, typed.mapping)
        return _form_page(visit, program, _with(typed, wrong_mapping=wrong))
    except DefinitionError as error:
        return _form_page(visit, program, _with(typed, wrong=pictures(error.errors, typed.text)))
    except Problem as problem:
        if problem.code.endswith("_not_found"):
            raise
        return _form_page(visit, program, _with(typed, problem=problem))
    return visit.go(f"{path}/{backtest_id}")


@ROUTER.get("/console/p/{program}/backtests/{backtest}")
def one_backtest(visit: Visitor, program: str, backtest: str) -> Response:
    """Show how far a backtest has come, or what came of it."""
    return _trial_page(visit, (program, backtest), "backtest.html")


@ROUTER.get("/console/p/{program}/backtests/{backtest}/state")
def state(visit: Visitor, program: str, backtest: str) -> Response:
    """Show the part of the page that changes while a backtest runs."""
    return _trial_page(visit, (program, backtest), "backtest_state.html")


@ROUTER.post("/console/p/{program}/backtests/{backtest}/stop")
def stop(visit: Trying, program: str, backtest: str) -> Response:
    """Stop a backtest."""
    number = parse_id(backtest)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        ask_stop(tx, opened.live.program_id, number)
        _note(tx, visit, "backtest.stopped", backtest, opened)
    return visit.go(f"{opened.path}/backtests/{backtest}")


@ROUTER.post("/console/p/{program}/backtests/{backtest}/delete")
def delete(visit: Trying, program: str, backtest: str) -> Response:
    """Delete a backtest that is over, with its report."""
    number = parse_id(backtest)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        remove_trial(tx, opened.live.program_id, number, visit.now)
        _note(tx, visit, "backtest.deleted", backtest, opened)
    return visit.go(f"{opened.path}/backtests")


@ROUTER.get("/console/p/{program}/backtests/{backtest}/files/{name}")
def one_file(visit: Visitor, program: str, backtest: str, name: str) -> Response:
    """Give a file that a backtest left: the report as a page, the others to be saved."""
    number = parse_id(backtest)
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        get_trial(tx, opened.live.program_id, number, visit.now)
        body = load_file(tx, number, name)
    headers = {"content-security-policy": _REPORT_POLICY, "referrer-policy": "no-referrer"}
    if name != "report.html":
        headers["content-disposition"] = f'attachment; filename="{program}-{backtest}-{name}"'
    return Response(body, media_type=_MEDIA[name], headers=headers)


def _typed(visit: Visit) -> Typed:
    text = visit.form.get("text", "").replace("\r\n", "\n")
    if len(text) > _TEXT_MOST:
        raise Problem("body_too_large", "A definition has at most a million characters. Nothing was begun.")
    mapping = visit.form.get("mapping", "").replace("\r\n", "\n")
    if len(mapping) > _MAPPING_MOST:
        raise Problem("body_too_large", "A mapping has at most 100,000 characters. Nothing was begun.")
    source: Source = "file" if visit.form.get("source") == "file" else "stored"
    beside = visit.form.get("beside") == "live" if "source" in visit.form else True
    return Typed(text, source, mapping, beside)


def _with(typed: Typed, **more: Any) -> Typed:
    return Typed(typed.text, typed.source, typed.mapping, typed.beside, **more)


def _check_history(typed: Typed, upload: Upload | None) -> None:
    if typed.source == "stored":
        return
    if upload is None or not upload.size:
        raise Problem.at("/file", "file_missing", "Choose a file with past orders. Nothing was begun.")
    name = upload.name.lower()
    if name.endswith(_ROWS):
        if not typed.mapping.strip():
            detail = f"{upload.name} holds rows. Say in the mapping how its columns become events."
            raise Problem.at("/mapping", "mapping_missing", detail)
        load_mapping(typed.mapping.encode(), "the mapping")
    elif not name.endswith(_EVENTS):
        kinds = ", ".join((*_EVENTS[:2], *_ROWS[::2]))
        detail = f"{upload.name} is of no kind that can be read here: {kinds}, each but the last as .gz too."
        raise Problem.at("/file", "file_kind_unknown", detail)


def _ask(visit: Visit, program: str, typed: Typed) -> tuple[str, str]:
    upload = visit.upload if typed.source == "file" else None
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        live = exported_text(get_version(tx, program, opened.program.version))
        titles, texts = _definitions(visit, opened, typed, live)
        new = NewTrial(
            visit.house.ids.number(),
            opened.live.program_id,
            visit.field("once", 64) or secrets.token_hex(16),
            typed.source,
            upload.name if upload is not None else "",
            titles,
            texts,
            visit.staff.actor,
            visit.now,
        )
        number, is_new = add_trial(tx, new)
        trial = get_trial(tx, opened.live.program_id, number, visit.now)
        if is_new:
            _note(tx, visit, "backtest.asked", trial.shown_id, opened)
    if is_new:
        task = _task(visit, opened, typed, new)
        visit.premises.trials.put(Asked(visit.tenant_id, number, task))
    return trial.shown_id, f"{opened.path}/backtests"


def _definitions(visit: Visit, opened: Opened, typed: Typed, live: str) -> tuple[list[str], list[str]]:
    said = visit.saying
    live_title = said.text("version {version}", version=opened.program.version)
    if typed.text == live:
        return [live_title], [live]
    edited = said.text("the edited text")
    if typed.beside:
        return [live_title, edited], [live, typed.text]
    return [edited], [typed.text]


def _task(visit: Visit, opened: Opened, typed: Typed, new: NewTrial) -> Task:
    upload = visit.upload if typed.source == "file" else None
    if upload is not None:
        upload.is_taken = True
        return Task(str(upload.folder), new.titles, new.texts, file=upload.name, mapping=typed.mapping)
    return Task(
        str(Path(tempfile.mkdtemp(prefix="guerdon-backtest-"))),
        new.titles,
        new.texts,
        conninfo=visit.house.database.conninfo,
        tenant_id=visit.tenant_id,
        program_id=opened.live.program_id,
        until=visit.now,
    )


def _note(tx: Any, visit: Visit, action: str, about: str, opened: Opened) -> None:
    act = Act(visit.now, visit.staff.actor, action, about, opened.live.program_id)
    record(tx, act, visit.house.ids)


def _form_page(visit: Visit, program: str, typed: Typed) -> Response:
    with visit.transaction() as tx:
        opened = open_program(tx, visit, program)
        live = exported_text(get_version(tx, program, opened.program.version))
    refused = bool(typed.wrong or typed.wrong_mapping or typed.problem)
    page = visit.page(
        "backtest_new.html",
        422 if refused else 200,
        **framed(opened, "backtests"),
        typed=typed,
        is_live=typed.text == live,
        once=secrets.token_hex(16),
        most=FILE_LIMIT // 2**20,
    )
    # It answers a form: a browser that may keep nothing of it cannot go back to it. It names nobody.
    page.headers["cache-control"] = "private, no-cache"
    return page


def _trial_page(visit: Visit, names: tuple[str, str], template: str) -> Response:
    number = parse_id(names[1])
    with visit.transaction() as tx:
        opened = open_program(tx, visit, names[0])
        trial = get_trial(tx, opened.live.program_id, number, visit.now)
        files = list_files(tx, number) if trial.state == "done" else []
        staff = {one.actor: one.name for one in list_staff(tx)}
    return visit.page(
        template,
        **framed(opened, "backtests"),
        trial=trial,
        percent=_percent(trial),
        length=stitch_length(stitches(Decimal(trial.done), Decimal(trial.total))) if trial.total else 0,
        files=files,
        asked_by=staff.get(trial.asked_by, trial.asked_by),
        lively=trial.is_open,
    )


def _percent(trial: Trial) -> int:
    return min(100, trial.done * 100 // trial.total) if trial.total else 0
