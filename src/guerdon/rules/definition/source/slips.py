"""What somebody probably meant where a document is no YAML."""

from __future__ import annotations

import re
from typing import Any, Final

from ruamel.yaml.error import MarkedYAMLError

from guerdon.rules.definition.source.tree import Source


def explain_slip(source: Source, error: MarkedYAMLError) -> tuple[int, str]:
    """Say in plain words what is wrong with the text of a document.

    Args:
        source: the text.
        error: what the YAML reader stumbled over.

    Returns:
        Index of the place to look at, and a sentence.
    """
    at, opened = _index(error.problem_mark or error.context_mark), _index(error.context_mark)
    context, problem = str(error.context or ""), str(error.problem or "")
    for opening, closing, kind in (("{", "}", "flow mapping"), ("[", "]", "flow sequence")):
        if kind in context and "'\\t'" not in problem:
            return _open_bracket(source, (at, opened), (opening, closing))
    if any(words in problem for words in _MISPLACED):
        return _block(source, at)
    if "mapping values are not allowed" in problem and _BEHIND_COMMA.search(source.text[:at]):
        return at, _NO_COMMA
    for words, at_opening, sentence in _SLIPS:
        if words in problem or words in context:
            place = opened if at_opening else at
            return place, sentence.format(source.text[place : place + 1])
    return at, f"this is not YAML: {', '.join(part for part in (context, problem) if part)}"


_NO_COMMA: Final = "a ',' parts only what stands in { } or [ ]; write the next key on a line of its own"
_BEHIND_COMMA: Final = re.compile(r":[^,\n]*,[ ]*[A-Za-z_][A-Za-z0-9_-]{0,62}\Z")
_MISPLACED: Final = ("block mapping start", "block end", "block sequence start")
_SLIPS: Final = (
    ("'\\t'", False, "a tab stands here; lines are indented with blanks"),
    ("quoted scalar", True, "the quote that opens here is never closed"),
    (
        "mapping values are not allowed",
        False,
        "a second ': ' stands here; a text that holds one is put into quotes",
    ),
    ("could not find expected ':'", True, "a key is written as 'key: value', and the ':' is missing here"),
    ("cannot start any token", False, "a text that begins with {} is put into quotes"),
)
"""What the reader says, whether the place is where the thing began, and what is meant."""


def _index(mark: Any) -> int:
    return int(mark.index) if mark is not None else 0


def _open_bracket(source: Source, places: tuple[int, int], bracket: tuple[str, str]) -> tuple[int, str]:
    at, opened = places
    line, column = source.place(opened)
    if source.place(at)[0] == line:
        return (
            at,
            f"a ',' or the {bracket[1]} to the {bracket[0]} in column {column} was expected here",
        )
    return opened, f"the {bracket[0]} that opens here is not closed by a {bracket[1]}"


def _block(source: Source, at: int) -> tuple[int, str]:
    before = source.text[:at].rstrip(" ")
    if before[-1:] in ("'", '"'):
        return at, "text goes on behind a closing quote; put the whole value into quotes of the other kind"
    if before[-1:] in ("\n", ""):
        return at, "this line is indented unlike the lines that it belongs to"
    if before[-1:] in ("}", "]") and source.text[at : at + 1] == ",":
        return at, _NO_COMMA
    if before[-1:] in ("}", "]"):
        return at, f"text goes on behind a closing {before[-1:]}; put the whole value into quotes"
    return at, "this does not belong here; a text that begins with a sign is put into quotes"
