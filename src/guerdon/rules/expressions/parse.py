"""Text to tree: the grammar, its limits, and errors that point at the word."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from functools import lru_cache
from importlib import resources
from typing import Any, cast

from lark import Lark, Token, Transformer, UnexpectedCharacters, UnexpectedEOF, UnexpectedToken, v_args
from lark.exceptions import VisitError

from guerdon.rules.expressions import habits, literals
from guerdon.rules.expressions.errors import Misplaced
from guerdon.rules.expressions.syntax import (
    Call,
    Chain,
    Index,
    ListLiteral,
    Literal,
    Logic,
    MapLiteral,
    Maybe,
    Name,
    Relation,
    Select,
    Span,
    Syntax,
    Ternary,
    Unary,
)

LONGEST = 4096
"""Bytes of UTF-8 that one expression may have."""
DEEPEST = 33
"""How deep brackets, calls and fields may lie in each other: a value in 32 of them."""
TALLEST = 100
"""How deep the Python code may be, where a long sum counts each term."""

KEYWORDS = frozenset({"true", "false", "null", "in"})
RESERVED = frozenset(
    (
        "as", "break", "const", "continue", "else", "for", "function", "if", "import", "let", "loop",
        "package", "namespace", "return", "var", "void", "while",
    )
)  # fmt: skip
_SHOWN = {
    "NAME": "a name", "QUOTED": "a name", "NUMBER": "a number", "TEXT": "a text", "RAW_TEXT": "a text",
    "$END": "the end",
    "LIST_OPEN": "[", "MAP_OPEN": "{", "LPAR": "(", "RPAR": ")", "RSQB": "]", "RBRACE": "}",
    "DOT": ".", "COMMA": ",", "COLON": ":", "LSQB": "[", "QMARK": "?", "RELATION": "a comparison", "IN": "in",
    "PLUS": "+", "MINUS": "-", "TIMES": "*", "OVER": "/",
    "MODULO": "%", "OR": "||", "AND": "&&", "NOT": "!", "TRUE": "true", "FALSE": "false", "NULL": "null",
}  # fmt: skip


def parse(source: str) -> Syntax:
    """Read an expression.

    Args:
        source: its text, at most `LONGEST` bytes.

    Returns:
        The tree as written.

    Raises:
        Misplaced: `too_long`, `too_deep`, `syntax_error` or `number_too_large`, with offsets.
    """
    size = len(source.encode("utf-8", "surrogatepass"))
    if size > LONGEST:
        raise Misplaced("too_long", f"an expression may have {LONGEST} bytes, this one has {size}", (0, 1))
    try:
        tree = _parser().parse(source)
    except UnexpectedCharacters as error:
        raise _unexpected_character(source, error) from None
    except UnexpectedToken as error:
        raise _unexpected_token(source, error.token, error.accepts or error.expected) from None
    except UnexpectedEOF:
        raise Misplaced("syntax_error", "the expression ends too early", _end(source)) from None
    except VisitError as error:
        raise error.orig_exc from None
    if not isinstance(tree, Syntax):
        raise TypeError(f"the grammar made {type(tree).__name__}, not a tree")
    return tree


@lru_cache(maxsize=1)
def _parser() -> Lark:
    grammar = resources.files(__package__).joinpath("grammar.lark").read_text("utf-8")
    return Lark(grammar, parser="lalr", transformer=_Builder(), maybe_placeholders=False)


def _end(source: str) -> Span:
    last = len(source.rstrip())
    return last, last + 1


def _unexpected_character(source: str, error: UnexpectedCharacters) -> Misplaced:
    at = cast(int, error.pos_in_stream)
    found = habits.at_character(source, at)
    if found is not None:
        return found
    if source[at] in "'\"":
        return Misplaced("syntax_error", "this text is not closed, or has a wrong escape", (at, at + 1))
    return Misplaced("syntax_error", f"{source[at]!r} does not belong here", (at, at + 1))


def _unexpected_token(source: str, token: Token, expected: set[str]) -> Misplaced:
    start = len(source) if token.type == "$END" else token.start_pos or 0
    found = habits.at_word(source, start, "" if token.type == "$END" else str(token))
    if found is not None:
        return found
    if token.type == "$END":
        detail = f"the expression ends too early; expected {_words(expected)}"
        return Misplaced("syntax_error", detail, _end(source))
    detail = f"{str(token)!r} does not belong here; expected {_words(expected)}"
    return Misplaced("syntax_error", detail, (start, start + len(token)))


def _words(expected: set[str]) -> str:
    if "NAME" in expected:
        return "a value"
    words = sorted({_SHOWN.get(name, name.lower()) for name in expected})
    return words[0] if len(words) == 1 else ", ".join(words[:-1]) + " or " + words[-1]


def _span(token: Token) -> Span:
    start = token.start_pos or 0
    return start, start + len(token)


def _sized(span: Span, parts: list[Syntax], height: int = 1) -> tuple[Span, int, int]:
    depth = 1 + max((part.depth for part in parts), default=0)
    tall = height + max((part.height for part in parts), default=0)
    if depth > DEEPEST:
        raise Misplaced(
            "too_deep", f"the parts of an expression may lie {DEEPEST - 1} deep in each other", span
        )
    if tall > TALLEST:
        raise Misplaced("too_deep", f"an expression may join at most about {TALLEST} parts in a row", span)
    return span, depth, tall


def _named(token: Token) -> str:
    word = str(token)
    if word in KEYWORDS:
        raise Misplaced("syntax_error", f"{word!r} is a word of the language, not a name", _span(token))
    return word


def _free(token: Token) -> str:
    word = _named(token)
    if word in RESERVED:
        hint = "; write condition ? value : other" if word in ("if", "else") else ""
        raise Misplaced("syntax_error", f"{word!r} is reserved and cannot be a name{hint}", _span(token))
    return word


def _literal(token: Token, read: Callable[[str], object]) -> Literal:
    span = _span(token)
    try:
        value = read(str(token))
    except OverflowError:
        detail = f"a number may have {literals.DIGITS} digits and a size up to 1e{literals.RANGE}"
        raise Misplaced("number_too_large", detail, span) from None
    except ValueError as error:
        detail = (
            str(error)
            if token.type.endswith("TEXT")
            else f"{token} is not a number; there are 12, 0xff and 1.50"
        )
        raise Misplaced("syntax_error", detail, span) from None
    return Literal(*_sized(span, []), value)


@v_args(inline=True)
class _Builder(Transformer[Token, Any]):
    """Makes our nodes while the text is read, so that no walk has to recurse."""

    def ternary(self, test: Syntax, then: Syntax, other: Syntax) -> Syntax:
        return Ternary(*_sized(test.span, [test, then, other]), test, then, other)

    def either(self, *terms: Syntax) -> Syntax:
        if len(terms) == 1:
            return terms[0]
        return Logic(*_sized(terms[0].span, list(terms)), "||", terms)

    def both(self, *terms: Syntax) -> Syntax:
        if len(terms) == 1:
            return terms[0]
        return Logic(*_sized(terms[0].span, list(terms)), "&&", terms)

    def relation(self, left: Syntax, sign: Token, right: Syntax) -> Syntax:
        return Relation(*_sized(_span(sign), [left, right]), str(sign), left, right)

    def chain(self, first: Syntax, *rest: Any) -> Syntax:
        if not rest:
            return first
        links = tuple(
            (str(sign), _span(sign), part) for sign, part in zip(rest[::2], rest[1::2], strict=True)
        )
        sizes = _sized(links[0][1], [first, *(part for _, _, part in links)], len(links))
        return Chain(*sizes, first, links)

    def unary(self, sign: Token, operand: Syntax) -> Syntax:
        return Unary(*_sized(_span(sign), [operand]), str(sign), operand)

    def select(self, base: Syntax, name: Token) -> Syntax:
        return Select(*_sized(_span(name), [base]), base, _named(name))

    def quoted(self, base: Syntax, name: Token) -> Syntax:
        return Select(*_sized(_span(name), [base]), base, str(name)[1:-1])

    def select_maybe(self, base: Syntax, name: Token) -> Syntax:
        return Select(*_sized(_span(name), [base]), base, _named(name), True)

    def quoted_maybe(self, base: Syntax, name: Token) -> Syntax:
        return Select(*_sized(_span(name), [base]), base, str(name)[1:-1], True)

    def index_maybe(self, base: Syntax, key: Syntax) -> Syntax:
        return Index(*_sized(key.span, [base, key]), base, key, True)

    def maybe(self, value: Syntax) -> Syntax:
        return Maybe(*_sized(value.span, [value]), value)

    def method(self, base: Syntax, name: Token, *args: Syntax) -> Syntax:
        return Call(*_sized(_span(name), [base, *args]), base, _named(name), args)

    def index(self, base: Syntax, key: Syntax) -> Syntax:
        return Index(*_sized(key.span, [base, key]), base, key)

    def name(self, name: Token) -> Syntax:
        return Name(*_sized(_span(name), []), _free(name))

    def call(self, name: Token, *args: Syntax) -> Syntax:
        return Call(*_sized(_span(name), list(args)), None, _free(name), args)

    def group(self, inner: Syntax) -> Syntax:
        _, depth, tall = _sized(inner.span, [inner])
        return replace(inner, depth=depth, height=tall)

    def list(self, bracket: Token, *items: Syntax) -> Syntax:
        return ListLiteral(*_sized(_span(bracket), [*items]), items)

    def map(self, brace: Token, *parts: Syntax) -> Syntax:
        pairs = tuple(zip(parts[::2], parts[1::2], strict=True))
        return MapLiteral(*_sized(_span(brace), [*parts]), pairs)

    def number(self, token: Token) -> Syntax:
        return _literal(token, literals.number)

    def text(self, token: Token) -> Syntax:
        return _literal(token, literals.string)

    def constant(self, token: Token) -> Syntax:
        value = {"true": True, "false": False, "null": None}[str(token)]
        return Literal(*_sized(_span(token), []), value)
