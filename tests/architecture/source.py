"""Reads the project's own source as syntax trees and as files, for the tests beside it."""

from __future__ import annotations

import ast
import subprocess
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
PACKAGE = ROOT / "src" / "guerdon"
Function = ast.FunctionDef | ast.AsyncFunctionDef


@dataclass(frozen=True)
class Module:
    """One Python file, parsed."""

    path: Path
    tree: ast.Module
    lines: int

    @property
    def place(self) -> str:
        """Say where the module stands, from the root of the project."""
        return self.path.relative_to(ROOT).as_posix()

    @property
    def floor(self) -> str:
        """Name the first folder or module under the package; empty outside of it."""
        if PACKAGE not in self.path.parents:
            return ""
        return self.path.relative_to(PACKAGE).parts[0].removesuffix(".py")

    def functions(self) -> Iterator[Function]:
        """Walk all functions and methods, nested ones too.

        Yields:
            Their syntax trees.
        """
        for node in ast.walk(self.tree):
            if isinstance(node, Function):
                yield node

    def at(self, node: ast.stmt | ast.expr, what: str) -> str:
        """Write a finding the way editors jump to it.

        Args:
            node: where it is.
            what: what is wrong.

        Returns:
            `file:line: what`.
        """
        return f"{self.place}:{node.lineno}: {what}"


@cache
def modules(*folders: str) -> tuple[Module, ...]:
    """Parse all Python files of some folders of the project.

    Args:
        folders: from the root, such as `src/guerdon`; a missing one is empty.

    Returns:
        The modules, sorted by path.
    """
    found = []
    for path in sorted(path for folder in folders for path in (ROOT / folder).rglob("*.py")):
        text = path.read_text(encoding="utf-8")
        found.append(Module(path, ast.parse(text), text.count("\n")))
    return tuple(found)


def ours() -> tuple[Module, ...]:
    """Parse the package itself.

    Returns:
        All its modules.
    """
    return modules("src/guerdon")


@cache
def committed_files() -> tuple[Path, ...]:
    """List what git tracks or would take in, ignored files left out.

    Returns:
        Absolute paths of files that exist.

    Raises:
        subprocess.CalledProcessError: where this is no git checkout.
    """
    listed = subprocess.run(
        ["git", "-c", "safe.directory=*", "ls-files", "--cached", "--others", "--exclude-standard", "-z"],
        cwd=ROOT,
        check=True,
        capture_output=True,
    ).stdout.decode()
    paths = (ROOT / name for name in listed.split("\0") if name)
    return tuple(path for path in paths if path.is_file())
