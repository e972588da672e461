"""The command line: one small module for each verb."""

from __future__ import annotations

import os
import sys
import traceback
from collections.abc import Sequence
from contextlib import suppress
from importlib import metadata
from pathlib import Path
from typing import Annotated

import structlog
import typer
from structlog.typing import EventDict
from typer.core import TyperGroup

from guerdon.base.errors import Problem
from guerdon.cli import keys
from guerdon.cli.access import staff
from guerdon.cli.backtest import backtest
from guerdon.cli.care import retention
from guerdon.cli.care.backup import backup
from guerdon.cli.care.restore import restore
from guerdon.cli.demo import demo
from guerdon.cli.doctor import doctor
from guerdon.cli.explain import explain
from guerdon.cli.imports import import_events
from guerdon.cli.options import ManyFiles
from guerdon.cli.programs import apply, plan
from guerdon.cli.proofs import anchor, log_keys, proof
from guerdon.cli.shell.completion import completion_of
from guerdon.cli.shell.tree import grown
from guerdon.cli.showing import show_error, show_note
from guerdon.cli.upkeep import serve, verify_all
from guerdon.cli.writing.evaluate import evaluate
from guerdon.cli.writing.fmt import fmt, schema
from guerdon.cli.writing.versions import export, rollback, versions

OK, FAILED, INTERRUPTED, UNREAD = 0, 1, 130, 141

_START, _WRITE, _PAST, _CARE = "Begin", "Write a program", "Its past", "Look after it"

app = typer.Typer(
    name="guerdon",
    help="A loyalty engine: orders and events go in; points, tiers and rewards come out, with proof of each.",
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
)


@app.callback(invoke_without_command=True)
def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"guerdon {metadata.version('guerdon')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def _tree() -> TyperGroup:
    return grown(app)


app.command("demo", rich_help_panel=_START)(demo)
app.command("serve", rich_help_panel=_START)(serve)
app.command("plan", rich_help_panel=_WRITE)(plan)
app.command("apply", rich_help_panel=_WRITE)(apply)
app.command("rollback", rich_help_panel=_WRITE)(rollback)
app.command("versions", rich_help_panel=_WRITE)(versions)
app.command("export", rich_help_panel=_WRITE)(export)
app.command("fmt", rich_help_panel=_WRITE)(fmt)
app.command("eval", rich_help_panel=_WRITE)(evaluate)
app.command("schema", rich_help_panel=_WRITE)(schema)
app.command("import", rich_help_panel=_PAST)(import_events)
app.command("backtest", cls=ManyFiles, rich_help_panel=_PAST)(backtest)
app.command("explain", rich_help_panel=_PAST)(explain)
app.command("verify", rich_help_panel=_CARE)(verify_all)
app.command("doctor", rich_help_panel=_CARE)(doctor)
app.command("backup", rich_help_panel=_CARE)(backup)
app.command("restore", rich_help_panel=_CARE)(restore)
proof.app.command("keys")(log_keys.keys)
proof.app.command("rotate-key")(log_keys.rotate_key)
app.add_typer(retention.app, name="retention", rich_help_panel=_CARE)
app.add_typer(proof.app, name="proof", rich_help_panel=_CARE)
app.add_typer(anchor.app, name="anchor", rich_help_panel=_CARE)
app.add_typer(keys.app, name="keys", rich_help_panel=_CARE)
app.add_typer(staff.app, name="staff", rich_help_panel=_CARE)
app.command("completion", rich_help_panel=_START)(completion_of(_tree))


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
    tree = _tree()
    try:
        result = tree.main(list(arguments), prog_name="guerdon", standalone_mode=False)
        sys.stdout.flush()
    except Problem as problem:
        show_error(problem)
        return FAILED
    except typer.TyperException as error:
        return _misused(error)
    except (KeyboardInterrupt, typer.Abort):
        show_note("interrupted")
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read the output has left; what is still buffered must not fail at the exit either.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return UNREAD
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


def _misused(error: typer.TyperException) -> int:
    """Say in one line what was typed wrong, and where it is explained."""
    message = error.format_message()
    if not message:
        # A group without a verb has shown its page, as if it had been asked for.
        return OK
    context = getattr(error, "ctx", None)
    page = context.command_path if context is not None else "guerdon"
    show_note(f"error: {message.rstrip('.')} ({page} --help tells more) [usage]")
    return FAILED
