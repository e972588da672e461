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
from guerdon.cli.shell.completion import completion_of
from guerdon.cli.shell.importing import without_collecting
from guerdon.cli.shell.tree import grown
from guerdon.cli.shell.verbs import START, plant
from guerdon.cli.showing import show_error, show_note

OK, FAILED, INTERRUPTED, UNREAD = 0, 1, 130, 141


def _root(
    context: typer.Context,
    version: Annotated[bool, typer.Option("--version", help="Print the version and end.")] = False,
) -> None:
    if version:
        typer.echo(f"guerdon {metadata.version('guerdon')}")
    elif context.invoked_subcommand is None:
        typer.echo(context.get_help(), nl=False)


def tree(words: Sequence[str] = ()) -> TyperGroup:
    """Make the tree of verbs.

    Args:
        words: what was typed; where it begins with a verb, the tree has only that one.

    Returns:
        The root, ready to be called.
    """
    app = typer.Typer(
        name="guerdon",
        help="A loyalty engine: orders and events go in;"
        " points, tiers and rewards come out, with proof of each.",
        add_completion=False,
        pretty_exceptions_enable=False,
        rich_markup_mode="rich",
        context_settings={"help_option_names": ["-h", "--help"], "max_content_width": 100},
    )
    app.callback(invoke_without_command=True)(_root)
    plant(app, words)
    app.command("completion", rich_help_panel=START)(completion_of(tree))
    return grown(app)


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
        with without_collecting():
            verbs = tree(arguments)
        result = verbs.main(list(arguments), prog_name="guerdon", standalone_mode=False)
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
