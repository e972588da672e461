"""Which documents there are, in which order they stand, and what each is called."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Final

GROUPS: Final[Mapping[str, Sequence[str]]] = {
    "Begin": ("README.md", "docs/demo.md", "docs/quickstart.md", "docs/index.md"),
    "Programs": (
        "docs/earn.md",
        "docs/redeem.md",
        "docs/metrics.md",
        "docs/tiers.md",
        "docs/discounts.md",
        "docs/goals.md",
        "docs/language.md",
        "docs/editor.md",
    ),
    "Its past": ("docs/import.md", "docs/backtest.md"),
    "Connect": ("docs/api.md", "docs/client.md", "docs/webhooks.md"),
    "Run it": (
        "docs/console.md",
        "docs/cli.md",
        "docs/production.md",
        "docs/verify.md",
        "docs/proofs.md",
        "docs/anchoring.md",
    ),
    "Know more": (
        "docs/architecture.md",
        "docs/glossary.md",
        "docs/adr/README.md",
        "CONTRIBUTING.md",
        "CHANGELOG.md",
    ),
}
"""Group → documents. What is not named here stands in the last group, so that no document is lost."""
SHORT: Final[Mapping[str, str]] = {
    "README.md": "What it is",
    "docs/index.md": "All by task",
    "docs/language.md": "The language",
    "docs/editor.md": "In an editor",
}
"""Document → what it is called where there is little room."""
_HEADING: Final = re.compile(r"^# (.+)$", re.MULTILINE)


@dataclass(frozen=True)
class Page:
    """A document and where it stands in the site."""

    source: str
    """Path from the root of the project."""
    group: str
    title: str
    text: str

    @property
    def place(self) -> str:
        """Path within the site."""
        if self.source == "README.md":
            return "index.html"
        if self.source == "docs/index.md":
            return "documents.html"
        name = self.source.removeprefix("docs/").removesuffix(".md")
        folder, _, last = name.rpartition("/")
        last = "index" if last == "README" else last.lower()
        return f"{folder}/{last}.html".lstrip("/")

    @property
    def up(self) -> str:
        """What leads from here to the root of the site."""
        return "../" * self.place.count("/")


def find_pages(root: Path) -> list[Page]:
    """Read all documents.

    Args:
        root: of the project.

    Returns:
        In the order of the groups.
    """
    found = [(group, root / name) for group, names in GROUPS.items() for name in names]
    known = {path for _, path in found}
    more = sorted({*(root / "docs").glob("*.md"), *(root / "docs").glob("*/*.md")} - known)
    last = list(GROUPS)[-1]
    return [
        _page(root, group, path) for group, path in [*found, *((last, one) for one in more)] if path.exists()
    ]


def _page(root: Path, group: str, path: Path) -> Page:
    text = path.read_text(encoding="utf-8")
    heading = _HEADING.search(text)
    source = path.relative_to(root).as_posix()
    title = SHORT.get(source) or (heading[1] if heading else path.stem)
    return Page(source, "" if _is_decision(source) else group, title, text)


def _is_decision(source: str) -> bool:
    """Tell whether it is one of many decisions, which their own list leads to."""
    return source.startswith("docs/adr/") and not source.endswith("README.md")
