"""Public functions say in one sentence what they do, then their arguments, result and errors."""

from __future__ import annotations

import ast
from collections.abc import Iterator

from tests.architecture.source import Function, Module, ours

# There a docstring is the text of a page: of the API, or of --help.
SHOWN_FLOORS = {"cli", "web"}


def _public(body: list[ast.stmt]) -> Iterator[Function]:
    for node in body:
        if isinstance(node, Function) and not node.name.startswith("_"):
            yield node
        elif isinstance(node, ast.ClassDef) and not node.name.startswith("_"):
            yield from _public(node.body)


def _decorated(function: Function, names: set[str]) -> bool:
    for decorator in function.decorator_list:
        called = decorator.func if isinstance(decorator, ast.Call) else decorator
        last = called.attr if isinstance(called, ast.Attribute) else getattr(called, "id", "")
        if last in names:
            return True
    return False


def _missing(function: Function) -> str | None:
    if _decorated(function, {"overload", "override", "setter", "field_validator", "model_validator"}):
        return None
    text = ast.get_docstring(function) or ""
    arguments = [*function.args.posonlyargs, *function.args.args, *function.args.kwonlyargs]
    named = [item.arg for item in arguments if item.arg not in {"self", "cls"}]
    if named and "Args:" not in text:
        return "Args"
    absent = [name for name in named if f"{name}:" not in text]
    if absent:
        return f"Args: {', '.join(absent)}"
    returns = function.returns
    silent = returns is None or (isinstance(returns, ast.Constant) and returns.value is None)
    silent = silent or (isinstance(returns, ast.Name) and returns.id in {"Never", "NoReturn"})
    plain = _decorated(function, {"property", "cached_property"})
    if not silent and not plain and "Returns:" not in text and "Yields:" not in text:
        return "Returns"
    return None


def _findings(module: Module) -> list[str]:
    return [
        module.at(function, f"{function.name} lacks {missing}")
        for function in _public(module.tree.body)
        if (missing := _missing(function)) is not None
    ]


def test_public_functions_document_arguments_and_results() -> None:
    found = [line for module in ours() if module.floor not in SHOWN_FLOORS for line in _findings(module)]
    assert not found, "\n".join(found)


def test_a_gap_is_seen() -> None:
    text = 'def f(a: int) -> int:\n    """Do.\n\n    Args:\n        a: in units.\n    """\n    return a\n'
    function = ast.parse(text).body[0]
    assert isinstance(function, ast.FunctionDef)
    assert _missing(function) == "Returns"
