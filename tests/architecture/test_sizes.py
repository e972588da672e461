"""Small pieces: modules, functions, arguments (complexity is ruff's)."""

from __future__ import annotations

from tests.architecture.source import PACKAGE, Function, modules, ours

MOST_LINES_OF_A_MODULE = 500
MOST_LINES_OF_A_FUNCTION = 60
MOST_ARGUMENTS = 5
MOST_MODULES_OF_A_ROOM = 12
_HISTORY = PACKAGE / "infra" / "migrations" / "versions"


def _arguments(function: Function) -> int:
    arguments = function.args
    positional = [argument.arg for argument in (*arguments.posonlyargs, *arguments.args)]
    bound = bool(positional) and positional[0] in {"self", "cls"}
    return len(positional) - bound + len(arguments.kwonlyargs)


def test_there_is_source_to_look_at() -> None:
    assert len(ours()) > 3


def test_modules_are_short() -> None:
    long = [
        f"{module.place}: {module.lines} lines"
        for module in modules("src", "tests", "benchmarks", "scripts")
        if module.lines > MOST_LINES_OF_A_MODULE
    ]
    assert not long, "split these by noun"


def test_functions_are_short() -> None:
    long = [
        module.at(function, f"{function.name} has {lines} lines")
        for module in modules("src", "tests", "benchmarks", "scripts")
        for function in module.functions()
        if (lines := (function.end_lineno or function.lineno) - function.lineno + 1)
        > MOST_LINES_OF_A_FUNCTION
    ]
    assert not long


def test_functions_take_few_arguments() -> None:
    many = [
        module.at(function, f"{function.name} takes {count} arguments")
        for module in ours()
        for function in module.functions()
        if (count := _arguments(function)) > MOST_ARGUMENTS
    ]
    assert not many, "a value that groups them has a name; find it"


def test_rooms_have_few_modules() -> None:
    counts: dict[str, int] = {}
    for module in ours():
        folder = module.path.parent
        # `rules` is a whole floor: each of its modules and packages is a room. Migrations are a history.
        if module.path.name != "__init__.py" and folder not in {PACKAGE / "rules", _HISTORY}:
            counts[folder.as_posix()] = counts.get(folder.as_posix(), 0) + 1
    crowded = {room: count for room, count in counts.items() if count > MOST_MODULES_OF_A_ROOM}
    assert not crowded, "a room splits at 12 modules"
