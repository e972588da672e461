"""Two contract types that import-linter does not bring: they need no list of rooms that may not exist yet."""

from __future__ import annotations

from collections.abc import Iterable
from typing import cast

from grimp import ImportGraph
from importlinter import Contract, ContractCheck, fields, output


def room_of(module: str) -> str:
    """Name the room in which a module stands.

    Args:
        module: dotted name, such as `guerdon.ledger.journal`.

    Returns:
        The first name under the root package, such as `ledger`; empty for the root itself.
    """
    parts = module.split(".")
    return parts[1] if len(parts) > 1 else ""


def _is_private(module: str, names: Iterable[str]) -> bool:
    inside = module.split(".")[2:]
    return any(part in names or (part.startswith("_") and not part.startswith("__")) for part in inside)


class _DirectImports(Contract):
    """Forbids single imports, whatever way they are reached by."""

    def _forbidden(self, graph: ImportGraph) -> list[tuple[str, str]]:
        raise NotImplementedError

    def check(self, graph: ImportGraph, verbose: bool) -> ContractCheck:
        found = sorted(self._forbidden(graph))
        lines = [
            f"{importer} -> {imported} (l. {detail['line_number']})"
            for importer, imported in found
            for detail in graph.get_import_details(importer=importer, imported=imported)
        ]
        return ContractCheck(kept=not found, metadata={"lines": lines})

    def render_broken_contract(self, check: ContractCheck) -> None:
        for line in check.metadata["lines"]:
            output.print_error(line)


class PrivateRoomsContract(_DirectImports):
    """A module of a private name may be imported only from inside its own room."""

    type_name = "private_rooms"

    private_names = fields.SetField(subfield=fields.StringField())
    public_modules = fields.SetField(subfield=fields.StringField(), required=False)

    def _forbidden(self, graph: ImportGraph) -> list[tuple[str, str]]:
        names = cast("set[str]", self.private_names)
        public = cast("set[str] | None", self.public_modules) or set()
        return [
            (importer, module)
            for module in graph.modules
            if module.startswith("guerdon.") and module not in public and _is_private(module, names)
            for importer in graph.find_modules_that_directly_import(module)
            if room_of(importer) != room_of(module)
        ]


class OnlyFloorsContract(_DirectImports):
    """An outside package may be imported only on the named floors."""

    type_name = "only_floors"

    packages = fields.SetField(subfield=fields.StringField())
    allowed_floors = fields.SetField(subfield=fields.StringField())

    def _forbidden(self, graph: ImportGraph) -> list[tuple[str, str]]:
        allowed = cast("set[str]", self.allowed_floors)
        packages = cast("set[str]", self.packages)
        return [
            (importer, package)
            for package in sorted(packages & graph.modules)
            for importer in graph.find_modules_that_directly_import(package)
            if room_of(importer) not in allowed
        ]
