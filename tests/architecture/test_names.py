"""Names say a noun of the domain; words that say nothing are not used."""

from __future__ import annotations

import ast
import re

from tests.architecture.source import PACKAGE, ours

EMPTY_WORDS = {"utils", "util", "manager", "service", "helper", "helpers", "common", "core"}


def _words(name: str) -> set[str]:
    spaced = re.sub(r"(?<=[a-z0-9])(?=[A-Z])", "_", name)
    return {word.lower() for word in spaced.split("_")}


def test_no_module_has_an_empty_name() -> None:
    found = [
        module.place
        for module in ours()
        for part in module.path.relative_to(PACKAGE).parts
        if _words(part.removesuffix(".py")) & EMPTY_WORDS
    ]
    assert not found


def test_no_class_or_function_has_an_empty_name() -> None:
    found = [
        module.at(node, node.name)
        for module in ours()
        for node in ast.walk(module.tree)
        if isinstance(node, ast.ClassDef | ast.FunctionDef | ast.AsyncFunctionDef)
        and not node.name.startswith("__")  # a framework names its own hooks
        and _words(node.name) & EMPTY_WORDS
    ]
    assert not found


def test_words_are_found_inside_names() -> None:
    assert _words("WalletManager") & EMPTY_WORDS == {"manager"}
    assert _words("score_wallet") & EMPTY_WORDS == set()
