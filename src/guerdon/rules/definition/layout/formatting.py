"""One way of laying out a definition, which keeps its comments and the order of its keys."""

from __future__ import annotations

import bisect
import itertools
import json
import re
from collections import deque
from collections.abc import Iterator
from typing import Final

from guerdon.base.errors import Problem
from guerdon.rules.definition.canonical import readable_data
from guerdon.rules.definition.document import Definition
from guerdon.rules.definition.source.comments import Comment, comments_of
from guerdon.rules.definition.source.read import decode, read_document
from guerdon.rules.definition.source.tree import Entry, Node, Source, plain_data

WIDTH: Final = 110
"""Maps and lists in brackets that do not fit so many columns are written line by line."""
_INDENT: Final = 2
_GAP: Final = 2
"""Blanks before a comment behind something."""
_PLAIN: Final = re.compile(
    r"""
    [\w./-]                              # no sign that YAML gives a meaning at the beginning
    (?:[^\s:\#,\[\]{}"`@%|\\] | [ ](?![ ]|$))*
    """,
    re.VERBOSE,
)
"""Texts that need no quotes anywhere."""
_EMPTY: Final = re.compile(r"\n[ \t\r]*\n")
_BLANK: Final = ("", "")
_NULLS: Final = frozenset({"null", "~"})


def format_document(content: str | bytes, filename: str = "program.yaml") -> str:
    """Lay out a document in the one stable way: formatting twice gives the same as once.

    Keys keep their order, comments and single blank lines stay where they belong, no value changes. JSON
    comes out as YAML.

    Args:
        content: the document, YAML 1.2 or JSON, at most 1 MiB of UTF-8; it need not be a correct definition.
        filename: how the document is called in messages.

    Returns:
        The document as YAML, with one newline at its end.

    Raises:
        DefinitionError: `invalid_definition`, where the document cannot be read.
        Problem: `cannot_format`, where its layout could not be changed without changing what it says.
    """
    source = decode(content, filename)
    root = read_document(source)
    text = _Layout(source, root).whole()
    again = read_document(decode(text, filename))
    if plain_data(again) != plain_data(root):
        detail = f"{filename} is written in a way that cannot be laid out anew without changing what it says"
        raise Problem("cannot_format", detail)
    return text


def definition_text(definition: Definition) -> str:
    """Write a definition as a document.

    Args:
        definition: any definition.

    Returns:
        YAML, which loads to an equal definition.
    """
    return format_document(json.dumps(readable_data(definition), ensure_ascii=False))


class _Layout:
    """Writes a tree line by line; each comment is written once, before or behind what it stands at."""

    def __init__(self, source: Source, root: Node) -> None:
        self.text = source.text
        self.root = root
        self.comments = deque(comments_of(source.text, root))
        self.ends = [0, *self.all_ends(root)]
        self.lines: list[tuple[str, str]] = []
        # JSON's brackets are no choice of anybody, so sections and their entries open up.
        self.is_json = _is_json(root)
        self.written = 0
        """Index behind the last thing of the document that was written."""

    def whole(self) -> str:
        root = self.root
        if isinstance(root.value, dict | list) and root.value:
            self.block(root, 0, len(self.text))
        else:
            self.before(root.start, 0)
            self.line(self.on_one_line(root), root.end)
        self.before(len(self.text), 0)
        return "\n".join(_joined(self.lines)) + "\n"

    def block(self, node: Node, indent: int, until: int) -> None:
        """Write a map or a list line by line; `until` is where the next thing outside of it stands."""
        if isinstance(node.value, dict):
            starts = [entry.key.start for entry in node.value.values()]
            for entry, after in zip(node.value.values(), [*starts[1:], until], strict=True):
                self.entry(entry, indent, after, "")
        elif isinstance(node.value, list):
            dashes = [self.dash(node, item) for item in node.value]
            for place, item in enumerate(node.value):
                self.item(item, indent, (dashes[place], [*dashes, until][place + 1]))
        self.inner_comments(node, indent, until)

    def inner_comments(self, node: Node, indent: int, until: int) -> None:
        """Write comments that follow the last entry and are indented like it, or stand before its bracket."""
        column = self.column(self.first(node))
        bracketed = self.text[node.start : node.start + 1] in ("{", "[")
        while self.comments and self.comments[0].at < until:
            comment = self.comments[0]
            if not (
                comment.at < node.end if bracketed else comment.alone and comment.column >= max(column, 1)
            ):
                return
            self.own_line(self.comments.popleft(), indent)

    def entry(self, entry: Entry, indent: int, until: int, lead: str) -> None:
        """Write a key with its value; `lead` is the `- ` of a list's item that begins with it."""
        self.before(entry.key.start, indent)
        self.written = max(self.written, entry.key.end)
        start = f"{' ' * (indent - len(lead))}{lead}{self.scalar(entry.key, indent)}:"
        self.value(start, entry.node, (indent + _INDENT, until))

    def item(self, item: Node, indent: int, where: tuple[int, int]) -> None:
        """Write an item of a list, which stands from its dash up to where the next thing does."""
        dash, until = where
        self.before(dash, indent)
        self.written = max(self.written, dash)
        lead = f"{' ' * indent}-"
        if isinstance(item.value, dict | list) and item.value and not self.fits(lead, item):
            if isinstance(item.value, dict):
                self.compact(item, indent, until)
                return
        else:
            self.comments_before(item.start, indent)
        self.value(lead, item, (indent + _INDENT, until))

    def compact(self, item: Node, indent: int, until: int) -> None:
        """Write a map as an item of a list, its first key behind the dash."""
        assert isinstance(item.value, dict)
        self.comments_before(self.first(item), indent)
        entries = list(item.value.values())
        starts = [entry.key.start for entry in entries]
        for at, (entry, after) in enumerate(zip(entries, [*starts[1:], until], strict=True)):
            self.entry(entry, indent + _INDENT, after, "" if at else "- ")
        self.inner_comments(item, indent + _INDENT, until)

    def all_ends(self, node: Node) -> Iterator[int]:
        """List where texts and brackets end, in the order of the document."""
        if isinstance(node.value, dict):
            for entry in node.value.values():
                yield entry.key.end
                yield from self.all_ends(entry.node)
        elif isinstance(node.value, list):
            for item in node.value:
                yield from self.all_ends(item)
        if not isinstance(node.value, dict | list) or self.is_bracketed(node):
            yield node.end

    def dash(self, around: Node, item: Node) -> int:
        """Find the dash of a list's item; in brackets there is none, and then it is where the item stands."""
        if self.is_bracketed(around):
            return item.start
        at = max(around.start, self.ends[bisect.bisect_right(self.ends, item.start) - 1])
        while self.text[at] != "-":
            at = self.text.index("\n", at) if self.text[at] == "#" else at + 1
        return at

    def value(self, start: str, node: Node, where: tuple[int, int]) -> None:
        """Write a value behind its key or dash: on the same line where it fits, else below."""
        indent, until = where
        if not isinstance(node.value, dict | list):
            self.line(f"{start} {self.scalar(node, indent)}", self.end(node))
        elif self.fits(start, node):
            self.line(f"{start} {self.on_one_line(node)}", node.end)
        else:
            self.line(start, self.written, self.first(node))
            self.block(node, indent, until)

    def is_bracketed(self, node: Node) -> bool:
        return self.text[node.start : node.start + 1] in ("{", "[")

    def end(self, node: Node) -> int:
        """Find where a text ends; blank lines behind a block belong to what follows, unless it keeps them."""
        written = self.text[node.start : node.end]
        kept = node.style != "block" or "+" in written.partition("\n")[0].partition("#")[0]
        return node.end if kept else node.start + len(written.rstrip())

    def first(self, node: Node) -> int:
        """Find where the first key or item of a map or list is written."""
        if isinstance(node.value, dict) and node.value:
            return next(iter(node.value.values())).key.start
        if isinstance(node.value, list) and node.value:
            return self.first(node.value[0]) if self.is_bracketed(node) else node.start
        return node.start

    def column(self, at: int) -> int:
        return at - (self.text.rfind("\n", 0, at) + 1)

    def fits(self, start: str, node: Node) -> bool:
        """Tell whether a map or list stays in brackets: written so, without comments, and short enough."""
        if not node.value:
            return True
        if not self.is_bracketed(node) or any(node.start < one.at < node.end for one in self.comments):
            return False
        indent = len(start) - len(start.lstrip(" "))
        if self.is_json and indent <= _INDENT and any(_is_filled(inner) for inner in _inside(node)):
            return False
        written = self.on_one_line(node)
        return "\n" not in written and len(start) + 1 + len(written) <= WIDTH

    def on_one_line(self, node: Node) -> str:
        if isinstance(node.value, dict):
            pairs = (
                f"{self.scalar(one.key, 0)}: {self.on_one_line(one.node)}" for one in node.value.values()
            )
            return f"{{{', '.join(pairs)}}}"
        if isinstance(node.value, list):
            return f"[{', '.join(self.on_one_line(item) for item in node.value)}]"
        return self.scalar(node, 0)

    def scalar(self, node: Node, indent: int) -> str:
        """Write a text as its author did, or plainly where JSON did."""
        value = node.value if isinstance(node.value, str) else None
        written = self.text[node.start : node.end]
        if node.style == "json" and value is not None:
            plain = _PLAIN.fullmatch(value) and value not in _NULLS
            return value if plain else json.dumps(value, ensure_ascii=False)
        if node.style == "block" and value is not None:
            return _block(written, value, indent)
        return _reindented(written, indent)

    def before(self, at: int, indent: int) -> None:
        """Write the comments, and the blank line, that stand before a place."""
        self.comments_before(at, indent)
        self.blank(at)

    def comments_before(self, at: int, indent: int) -> None:
        while self.comments and self.comments[0].at < at:
            self.own_line(self.comments.popleft(), indent)

    def own_line(self, comment: Comment, indent: int) -> None:
        self.blank(comment.at)
        self.lines.append((" " * indent + _spaced(comment.text), ""))
        self.written = comment.at + len(comment.text)

    def blank(self, at: int) -> None:
        between = self.text[self.written : at]
        if self.lines and self.lines[-1] != _BLANK and at < len(self.text) and _EMPTY.search(between):
            self.lines.append(_BLANK)

    def line(self, written: str, end: int, until: int | None = None) -> None:
        """Write a line, with the comments that stand on the same line of the document, before `until`."""
        self.written = max(self.written, end)
        stop = self.text.find("\n", max(end - 1, 0))
        stop = len(self.text) if stop < 0 else stop
        behind = ""
        while self.comments and not self.comments[0].alone and self.comments[0].at < min(stop, until or stop):
            comment = self.comments.popleft()
            behind = f"{behind} {_spaced(comment.text)}".strip()
            self.written = max(self.written, comment.at + len(comment.text))
        first, *rest = written.split("\n")
        # A comment behind a text of several lines would become a part of it, except behind its first line.
        if rest and behind and not re.search(r"[|>][0-9+-]*$", first):
            self.lines.insert(len(self.lines), (" " * (len(first) - len(first.lstrip())) + behind, ""))
            behind = ""
        self.lines.append((first, behind))
        self.lines.extend((one, "") for one in rest)


def _inside(node: Node) -> list[Node]:
    if isinstance(node.value, dict):
        return [entry.node for entry in node.value.values()]
    return node.value if isinstance(node.value, list) else []


def _is_filled(node: Node) -> bool:
    return isinstance(node.value, dict | list) and bool(node.value)


def _is_json(root: Node) -> bool:
    keys = [entry.key for entry in root.value.values()] if isinstance(root.value, dict) else []
    return any(key.style == "json" for key in keys)


def _spaced(comment: str) -> str:
    """Put a blank behind the `#`."""
    return comment if re.match(r"#([ !#]|$)", comment) else f"# {comment[1:]}"


def _joined(lines: list[tuple[str, str]]) -> list[str]:
    """Put comments behind their lines, those of neighbouring lines below each other."""
    made: list[str] = []
    for commented, group in itertools.groupby(lines, key=lambda line: bool(line[1])):
        of_group = list(group)
        width = max(len(line) for line, _ in of_group) if commented else 0
        made += [
            f"{line.ljust(width)}{' ' * _GAP}{comment}" if commented else line for line, comment in of_group
        ]
    return made


def _reindented(written: str, indent: int) -> str:
    """Move the further lines of a text that goes over several; what folds there stays folded."""
    first, *rest = written.split("\n")
    moved = [" " * indent + _right_cut(line.strip(" \t\r"), line) if line.strip() else "" for line in rest]
    return "\n".join([_right_cut(first.rstrip(" \t\r"), first) if rest else first, *moved])


def _right_cut(cut: str, line: str) -> str:
    # In double quotes a backslash keeps the blank behind it.
    odd = (len(cut) - len(cut.rstrip("\\"))) % 2
    return f"{cut} " if odd and line.rstrip("\r\n") != line.rstrip(" \t\r\n") else cut


def _block(written: str, value: str, indent: int) -> str:
    """Write a block scalar at its new indentation."""
    header, _, body = written.partition("\n")
    style = header[:1]
    lines = body.split("\n")
    depth = next((len(line) - len(line.lstrip(" ")) for line in lines if line.strip()), 0)
    if re.search(r"[0-9]", header.split("#")[0]) or not value.strip() or value[:1] in " \n":
        return json.dumps(value, ensure_ascii=False)
    keep = {True: "+" if value.endswith("\n\n") else "", False: "-"}[value.endswith("\n")]
    moved = [" " * indent + line[depth:].rstrip("\r") if line.strip() else "" for line in lines]
    while moved and not moved[-1] and keep != "+":
        moved.pop()
    return "\n".join([f"{style}{keep}", *moved])
