"""Carts as they are told in text files: a program, what is in the cart, and what it must come to."""

from __future__ import annotations

import ast
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from decimal import Decimal
from fractions import Fraction
from pathlib import Path

HEAD = "program: shop\ntimezone: UTC\n"
_OPERATIONS: Mapping[type, Callable[[Fraction, Fraction], Fraction]] = {
    ast.Add: lambda one, other: one + other,
    ast.Sub: lambda one, other: one - other,
    ast.Mult: lambda one, other: one * other,
    ast.Div: lambda one, other: one / other,
}


@dataclass
class ToldCart:
    """One cart of a file."""

    file: str
    number: int
    title: str
    program: str
    given: list[tuple[int, str]] = field(default_factory=list)
    answers: list[tuple[int, str]] = field(default_factory=list)


def read_carts(path: Path) -> list[ToldCart]:
    """Read the carts of a file; a program stands for all carts until the next one."""
    carts: list[ToldCart] = []
    program: list[str] = []
    in_program = False
    for number, raw in enumerate(path.read_text("utf-8").splitlines(), 1):
        line = raw.rstrip()
        if not line.strip() or line.startswith("#"):
            continue
        if line == "Program:":
            program, in_program = [], True
        elif line.startswith("Cart: "):
            in_program = False
            carts.append(ToldCart(path.name, number, line[6:], _document(program)))
        elif in_program:
            program.append(line[4:])
        elif line.strip().startswith("-> "):
            carts[-1].answers.append((number, line.strip()[3:]))
        else:
            carts[-1].given.append((number, line.strip()))
    return carts


def _document(lines: list[str]) -> str:
    text = "\n".join(lines)
    return HEAD + ("" if "currency:" in text else "currency: USD\n") + text + "\n"


def amount(text: str, digits: int) -> Decimal:
    """Work out an amount that is told as arithmetic, in whole units; it must fit the minor unit.

    `up(x)`, `even(x)` and `down(x)` round halves up, halves to even and down, to the minor unit.
    """
    value = _value(ast.parse(text.strip(), mode="eval").body, digits)
    scaled = value * 10**digits
    assert scaled.denominator == 1, f"{text} is {value}, which is no whole number of minor units"
    return Decimal(scaled.numerator).scaleb(-digits)


def _value(node: ast.expr, digits: int) -> Fraction:
    if isinstance(node, ast.Constant):
        return Fraction(ast.unparse(node)) if isinstance(node.value, int) else Fraction(str(node.value))
    if isinstance(node, ast.UnaryOp) and isinstance(node.op, ast.USub):
        return -_value(node.operand, digits)
    if isinstance(node, ast.BinOp):
        return _OPERATIONS[type(node.op)](_value(node.left, digits), _value(node.right, digits))
    assert isinstance(node, ast.Call), ast.unparse(node)
    assert isinstance(node.func, ast.Name), ast.unparse(node)
    return _rounded(node.func.id, _value(node.args[0], digits), digits)


def _rounded(how: str, value: Fraction, digits: int) -> Fraction:
    scaled = value * 10**digits
    whole = scaled.numerator // scaled.denominator
    rest = scaled - whole
    if how == "up":
        whole += rest >= Fraction(1, 2)
    elif how == "even":
        whole += rest > Fraction(1, 2) or (rest == Fraction(1, 2) and whole % 2 == 1)
    else:
        assert how == "down", how
    return Fraction(whole, 10**digits)
