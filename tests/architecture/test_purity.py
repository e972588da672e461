"""Purity shows in the signature: what takes no `tx` reads no world, and base and rules take none at all."""

from __future__ import annotations

import ast

import pytest

from tests.architecture.source import Function, Module, ours

PURE_FLOORS = {"base", "rules"}
EXACT_FLOORS = {"base", "rules", "ledger"}
WORLDLY_CALLS = {
    "open", "input", "print", "breakpoint", "eval", "exec",
    "datetime.now", "datetime.utcnow", "datetime.today", "date.today",
    "datetime.datetime.now", "datetime.datetime.utcnow", "datetime.date.today",
    "uuid.uuid1", "uuid.uuid4", "uuid.uuid6", "uuid.uuid7", "uuid1", "uuid4",
    "time.time", "time.time_ns", "time.monotonic", "time.perf_counter",
}  # fmt: skip
WORLDLY_MODULES = {"random", "os", "time", "secrets", "socket"}
# An expression becomes a code object by `compile` of a tree and one `exec` of it, here and nowhere else.
COMPILER = "src/guerdon/rules/expressions/emit.py"


def _dotted(node: ast.expr) -> str:
    if isinstance(node, ast.Name):
        return node.id
    if isinstance(node, ast.Attribute):
        return f"{_dotted(node.value)}.{node.attr}"
    return ""


def _worldly_calls(module: Module) -> list[str]:
    called = [(node, _dotted(node.func)) for node in ast.walk(module.tree) if isinstance(node, ast.Call)]
    return [
        module.at(node, name)
        for node, name in called
        if (name in WORLDLY_CALLS or name.partition(".")[0] in WORLDLY_MODULES - {name})
        and not (module.place == COMPILER and name == "exec")
    ]


def _parameters(function: Function) -> list[str]:
    arguments = function.args
    return [item.arg for item in (*arguments.posonlyargs, *arguments.args, *arguments.kwonlyargs)]


def _likenesses(module: Module) -> set[int]:
    """Find the numbers that say how alike two words must be: near no money.

    Args:
        module: where to look.

    Returns:
        The identities of their nodes.
    """
    return {
        id(inside)
        for node in ast.walk(module.tree)
        if isinstance(node, ast.Call) and _dotted(node.func).endswith("get_close_matches")
        for inside in ast.walk(node)
    }


def _floats(module: Module) -> list[str]:
    found = []
    harmless = _likenesses(module)
    for node in ast.walk(module.tree):
        if id(node) in harmless:
            continue
        if isinstance(node, ast.Constant) and isinstance(node.value, float):
            found.append(module.at(node, f"float {node.value}"))
        elif isinstance(node, ast.Call) and _dotted(node.func) == "float":
            found.append(module.at(node, "float()"))
        elif isinstance(node, ast.arg | ast.AnnAssign) and ast.unparse(node.annotation or node) == "float":
            found.append(f"{module.place}:{node.lineno}: annotated as float")
    return found


def test_pure_floors_read_no_clock_chance_file_or_environment() -> None:
    found = [call for module in ours() if module.floor in PURE_FLOORS for call in _worldly_calls(module)]
    assert not found


def test_pure_floors_take_no_transaction() -> None:
    found = [
        module.at(function, function.name)
        for module in ours()
        if module.floor in PURE_FLOORS
        for function in module.functions()
        if {"tx", "connection", "cursor", "pool"} & set(_parameters(function))
    ]
    assert not found


def test_tx_comes_first_everywhere() -> None:
    found = [
        module.at(function, function.name)
        for module in ours()
        for function in module.functions()
        if "tx" in (names := [name for name in _parameters(function) if name not in {"self", "cls"}])
        and names[0] != "tx"
    ]
    assert not found


def test_no_float_near_money_or_units() -> None:
    found = [place for module in ours() if module.floor in EXACT_FLOORS for place in _floats(module)]
    assert not found


@pytest.mark.parametrize(
    "text",
    ["import os\nos.environ.get('A')", "from datetime import datetime\ndatetime.now(None)", "open('x')"],
)
def test_a_worldly_call_is_seen(text: str) -> None:
    some = ours()[0]
    assert len(_worldly_calls(Module(some.path, ast.parse(text), 2))) == 1


@pytest.mark.parametrize("text", ["x = 0.5", "def f(a: float) -> None: ...", "float('1')"])
def test_a_float_is_seen(text: str) -> None:
    some = ours()[0]
    assert len(_floats(Module(some.path, ast.parse(text), 1))) == 1
