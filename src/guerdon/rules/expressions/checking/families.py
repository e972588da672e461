"""The functions whose names have two parts: `math.floor`, `lists.range`, `base64.encode`, `strings.quote`."""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from guerdon.rules.expressions.checking.conversions import NUMBER
from guerdon.rules.expressions.checking.signatures import SIGNATURES, Signature
from guerdon.rules.expressions.runtime import exact, lists, maths, octets
from guerdon.rules.expressions.runtime.wording import formats
from guerdon.rules.expressions.tree import Operation
from guerdon.rules.expressions.types import BOOL, BYTES, DECIMAL, INT, STRING, ListOf, Type


def _plain(
    name: str, run: Callable[..., Any], result: Type, *params: Type, weighs: bool = False
) -> Signature:
    return Signature(params, result, Operation(name, run, weighs=weighs), "free")


def _rounding(name: str, run: Callable[[Any], int]) -> list[Signature]:
    return [_plain(f"math.{name}", maths.as_decimal_of(run), DECIMAL, NUMBER)]


def _asked(name: str, answer: Callable[[Any], bool]) -> list[Signature]:
    return [_plain(f"math.{name}", answer, BOOL, NUMBER)]


def _bits(name: str, run: Callable[..., int], *params: Type) -> list[Signature]:
    return [_plain(f"math.{name}", run, INT, *params)]


FAMILIES: dict[str, dict[str, list[Signature]]] = {
    "math": {
        "greatest": SIGNATURES["max"],
        "least": SIGNATURES["min"],
        "abs": SIGNATURES["abs"],
        "ceil": _rounding("ceil", exact.ceil),
        "floor": _rounding("floor", exact.floor),
        "round": _rounding("round", exact.round_whole),
        "trunc": _rounding("trunc", maths.trunc),
        "sign": [
            _plain("math.sign", maths.sign, INT, INT),
            _plain("math.sign", maths.as_decimal_of(maths.sign), DECIMAL, NUMBER),
        ],
        "isInteger": _asked("isInteger", maths.is_whole),
        "isNaN": _asked("isNaN", lambda _: False),
        "isInf": _asked("isInf", lambda _: False),
        "isFinite": _asked("isFinite", lambda _: True),
        "bitAnd": _bits("bitAnd", operator.and_, INT, INT),
        "bitOr": _bits("bitOr", operator.or_, INT, INT),
        "bitXor": _bits("bitXor", operator.xor, INT, INT),
        "bitNot": _bits("bitNot", operator.invert, INT),
        "bitShiftLeft": _bits("bitShiftLeft", maths.shifted_left, INT, INT),
        "bitShiftRight": _bits("bitShiftRight", maths.shifted_right, INT, INT),
    },
    "lists": {"range": [_plain("lists.range", lists.counted, ListOf(INT), INT, weighs=True)]},
    "base64": {
        "encode": [_plain("base64.encode", octets.encoded, STRING, BYTES, weighs=True)],
        "decode": [_plain("base64.decode", octets.decoded, BYTES, STRING, weighs=True)],
    },
    "strings": {"quote": [_plain("strings.quote", formats.quoted, STRING, STRING, weighs=True)]},
}
"""First part → second part → the ways to call it."""
