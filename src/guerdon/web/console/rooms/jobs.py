"""Jobs: what runs in the background of this server, how its last round went, and running it now."""

from __future__ import annotations

from typing import Annotated, Final

from fastapi import APIRouter, Depends, Response

from guerdon.base.calendar import Zone
from guerdon.base.errors import Problem
from guerdon.programs.audit import Act, record
from guerdon.programs.programs import list_programs
from guerdon.web.console.visits import ConsoleRoute, Visit, Visitor, entitled

ROUTER: Final = APIRouter(include_in_schema=False, route_class=ConsoleRoute)
Running = Annotated[Visit, Depends(entitled("jobs:run"))]
PATH: Final = "/console/jobs"
_UTC: Final = Zone("Etc/UTC")


@ROUTER.get(PATH)
def jobs(visit: Visitor, asked: str = "") -> Response:
    """List the jobs of this server."""
    rounds = visit.house.rounds
    with visit.transaction() as tx:
        programs = tuple(list_programs(tx))
    return visit.page(
        "jobs.html",
        place="jobs",
        programs=programs,
        zone=_UTC,
        rows=rounds.known(),
        since=rounds.since,
        asked=asked if rounds.find(asked) is not None else "",
    )


@ROUTER.post(PATH + "/{job}")
def run_now(visit: Running, job: str) -> Response:
    """Ask a job to run at once; one that is under way runs again after it."""
    found = visit.house.rounds.find(job)
    if found is None or not found.ask():
        raise Problem("job_not_found", "There is no such job here that can be asked.")
    with visit.transaction() as tx:
        record(tx, Act(visit.now, visit.staff.actor, "job.asked", f"job:{job}"), visit.house.ids)
    return visit.go(f"{PATH}?asked={job}")
