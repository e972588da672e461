"""The command line: one small module for each verb."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from pathlib import Path

import structlog
import typer
from structlog.typing import EventDict

from guerdon.base.errors import Problem
from guerdon.cli import keys
from guerdon.cli.access import staff
from guerdon.cli.backtest import backtest
from guerdon.cli.demo import demo
from guerdon.cli.doctor import doctor
from guerdon.cli.explain import explain
from guerdon.cli.imports import import_events
from guerdon.cli.options import ManyFiles
from guerdon.cli.programs import apply, plan
from guerdon.cli.showing import show_error, show_note
from guerdon.cli.upkeep import serve, verify_all
from guerdon.cli.writing.evaluate import evaluate
from guerdon.cli.writing.fmt import fmt, schema
from guerdon.cli.writing.versions import export, rollback, versions

OK, FAILED, INTERRUPTED = 0, 1, 130

app = typer.Typer(
    name="guerdon",
    help="A loyalty engine: orders and events go in; points, tiers and rewards come out, with proof of each.",
    epilog="Exit codes: 0 done, 1 an error, 2 `plan` or `fmt --check` found changes, 130 stopped.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)
app.command("demo")(demo)
app.command("serve")(serve)
app.command("plan")(plan)
app.command("apply")(apply)
app.command("rollback")(rollback)
app.command("versions")(versions)
app.command("export")(export)
app.command("fmt")(fmt)
app.command("eval")(evaluate)
app.command("schema")(schema)
app.command("import")(import_events)
app.command("backtest", cls=ManyFiles)(backtest)
app.command("explain")(explain)
app.command("verify")(verify_all)
app.command("doctor")(doctor)
app.add_typer(keys.app, name="keys")
app.add_typer(staff.app, name="staff")


def main() -> None:
    """Run the command line and end the process with its exit code."""
    sys.exit(run(sys.argv[1:]))


def _frames(_logger: object, _method: str, line: EventDict) -> EventDict:
    """Show where an error came from: neither its message nor any local value, which may be somebody's."""
    error = line.pop("exc_info", None)
    if error is True:
        error = sys.exc_info()[1]
    if isinstance(error, BaseException):
        line["error"] = f"{type(error).__module__}.{type(error).__qualname__}"
        frames = traceback.extract_tb(error.__traceback__)
        line["frames"] = [f"{Path(one.filename).name}:{one.lineno}:{one.name}" for one in frames]
    return line


class _StandardError:
    """Writes log lines to what the standard error is at that moment."""

    def __init__(self, *_names: object) -> None:
        pass

    def msg(self, line: str) -> None:
        # Where it has been closed a line is lost, and not the thread that wanted to say it.
        with suppress(ValueError, OSError):
            sys.stderr.write(f"{line}\n")
            sys.stderr.flush()

    debug = info = warning = error = critical = exception = msg


def run(arguments: Sequence[str]) -> int:
    """Run one command; every failure is one sentence and an exit code, never a stack trace."""
    # What the standard output carries is the result; whatever else is told goes beside it.
    structlog.configure(
        processors=[
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", key="at"),
            _frames,
            structlog.processors.JSONRenderer(),
        ],
        logger_factory=_StandardError,
    )
    try:
        result = app(list(arguments), prog_name="guerdon", standalone_mode=False)
        sys.stdout.flush()
    except Problem as problem:
        show_error(problem)
        return FAILED
    except typer.TyperException as error:
        show_note(f"error: {error.format_message()} (guerdon --help tells more) [usage]")
        return FAILED
    except (KeyboardInterrupt, typer.Abort):
        show_note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left; what is still buffered must not fail at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return FAILED
    except Exception as error:  # noqa: BLE001 - the last door: whatever it is, people get a sentence
        if os.environ.get("GUERDON_TRACEBACK"):
            traceback.print_exception(error)
        show_note(
            f"error: {type(error).__name__}: {error} (GUERDON_TRACEBACK=1 shows where) [internal_error]"
        )
        return FAILED
    if result == INTERRUPTED:
        show_note("interrupted")
    return result if isinstance(result, int) else OK
