"""The tree of verbs: what each is called, takes and is used for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Final

import typer
from rich.markup import escape
from typer.core import TyperArgument, TyperCommand, TyperGroup, TyperOption

EXAMPLES: Final[Mapping[str, Sequence[str]]] = {
    "demo": ("guerdon demo", "guerdon demo --write year.ndjson --last-day 2026-11-20"),
    "serve": (
        "guerdon serve --data shop-data --port 8080",
        "GUERDON_DATABASE_URL=postgresql://guerdon@db/guerdon guerdon serve --host 0.0.0.0",
    ),
    "plan": (
        "guerdon plan club.yaml --data shop-data",
        "guerdon plan club.yaml --url https://club.example --key gk_…",
    ),
    "apply": (
        "guerdon apply club.yaml --data shop-data",
        "guerdon apply club.yaml --url https://club.example --key gk_…",
    ),
    "rollback": ("guerdon rollback club 3 --data shop-data",),
    "versions": ("guerdon versions club --data shop-data",),
    "export": ("guerdon export club --data shop-data > club.yaml", "guerdon export club --version 3"),
    "metrics": (
        "guerdon metrics club --data shop-data --follow",
        "guerdon metrics club --url https://club.example --key gk_…",
    ),
    "fmt": ("guerdon fmt club.yaml", "guerdon fmt club.yaml --check", "guerdon fmt - < club.yaml"),
    "eval": ("guerdon eval 'order.net * 2' --order order.json",),
    "schema": ("guerdon schema > guerdon.schema.json",),
    "import": ("guerdon import 2025.ndjson.gz --program club --enrol --historical --rejects refused.ndjson",),
    "backtest": (
        "guerdon backtest club.yaml --events 2025.ndjson.gz --report out",
        "guerdon backtest club.yaml easier.yaml --events lines.parquet --map map.yaml --report out",
    ),
    "explain": ("guerdon explain A-1001 --program club --data shop-data",),
    "verify": (
        "guerdon verify --data shop-data",
        "guerdon verify --ledger-only",
        "guerdon verify --checkpoint head.txt --log-key guerdon/main/club+0a1b2c3d+AfJ…",
        "guerdon verify --anchor chain",
    ),
    "merge": (
        "guerdon merge acc_01h8xj3q0abcd acc_01h8xj3q0abce --program club",
        "guerdon merge acc_01h8xj3q0abcd acc_01h8xj3q0abce --program club --yes",
    ),
    "tier": (
        "guerdon tier external:ananya club gold --until 2036-01-31 --reason 'gold elsewhere' --program club",
        "guerdon tier external:ananya club --end --reason 'it ended there' --program club",
    ),
    "backup": ("guerdon backup backups --data shop-data", "guerdon backup - > shop.backup"),
    "restore": (
        "guerdon restore shop.backup --data new-data --master-key master.key",
        "guerdon restore shop.backup --check",
        "guerdon restore shop.backup --dump shop.dump --master-key master.key",
    ),
    "retention export": (
        "guerdon retention export --before 2025-01-01 --to archive --data shop-data",
        "guerdon retention export --before 2025-01-01 --to archive --dry-run",
    ),
    "retention move": (
        "guerdon retention move --before 2025-01-01 --to archive --data shop-data",
        "guerdon retention move --before 2025-01-01 --to archive --dry-run",
    ),
    "retention restore": ("guerdon retention restore --from archive --since 2024-11 --data shop-data",),
    "retention proof": (
        "guerdon retention proof 2024-11.parquet --transaction 01a202c2-551e-739b-8860-e092b692b7b6",
    ),
    "retention check": (
        "guerdon retention check archive/main/club/2024-11.parquet --log-key guerdon/main/club+0a1b2c3d+AfJ…",
    ),
    "proof verify": ("guerdon proof verify proof.json --log-key guerdon/main/club+0a1b2c3d+AfJ…",),
    "anchor new-key": ("guerdon anchor new-key anchor.key",),
    "anchor deploy": ("guerdon anchor deploy",),
    "anchor status": ("guerdon anchor status --json",),
    "anchor list": ("guerdon anchor list club --data shop-data",),
    "anchor now": ("guerdon anchor now club --data shop-data",),
    "anchor offer": ("guerdon anchor offer 0xfB6916095ca1df60bB79Ce92cE3Ea74c37c5d359",),
    "anchor take": ("guerdon anchor take",),
    "anchor check": (
        "guerdon anchor check stamp.json --certificates tsa.pem --log-key guerdon/main/club+0a1b2c3d+AfJ…",
    ),
    "proof draw": ("guerdon proof draw mine.json --seed-hash 9f86d081884c7d65…",),
    "proof keys": ("guerdon proof keys club --data shop-data",),
    "proof rotate-key": ("guerdon proof rotate-key club --data shop-data",),
    "doctor": ("guerdon doctor --data shop-data --url http://127.0.0.1:8080",),
    "completion": ("guerdon completion bash --install", "source <(guerdon completion bash)"),
    "causes due": ("guerdon causes due --program club",),
    "causes payout": ("guerdon causes payout wells 2026-10 --program club --reference 'transfer 4711'",),
    "keys create": ("guerdon keys create --scopes members:read,events:write --name 'web shop'",),
    "keys list": ("guerdon keys list --data shop-data",),
    "keys rotate": ("guerdon keys rotate key_01h8xj3q0abcd",),
    "keys revoke": ("guerdon keys revoke key_01h8xj3q0abcd",),
    "staff add": ("guerdon staff add paul@shop.example --role support",),
    "staff list": ("guerdon staff list --data shop-data",),
    "staff password": ("guerdon staff password paul@shop.example",),
    "staff end": ("guerdon staff end paul@shop.example",),
}
"""Verb → how it is used; each of them can be typed as it stands."""
_BEGIN: Final = (
    "New here? [bold]guerdon demo[/] shows a club with 2,000 members at work, and says where to look.\n"
    "A club of your own: write club.yaml, then [bold]guerdon plan club.yaml[/] and"
    " [bold]guerdon apply club.yaml[/].\n\n"
    "Every verb has its own page, with examples: [bold]guerdon plan --help[/].\n"
    "In scripts: --json where there is a result, and exit codes: 0 done, 1 an error, 2 changes found by"
    " `plan` or `fmt --check`, 130 stopped by Ctrl-C, 141 nobody read the output any more."
)


@dataclass(frozen=True, slots=True)
class Verb:
    """One verb, or a group of verbs."""

    path: str
    """Such as `keys create`; empty for the whole."""
    command: TyperCommand | TyperGroup
    verbs: Sequence[str]
    """What may follow, where it is a group."""

    @property
    def summary(self) -> str:
        """The first sentence of its help."""
        return (self.command.help or "").partition("\n")[0].strip()

    def options(self) -> list[TyperOption]:
        """List its options."""
        return [one for one in self.command.params if isinstance(one, TyperOption) and not one.hidden]

    def arguments(self) -> list[TyperArgument]:
        """List its arguments."""
        return [one for one in self.command.params if isinstance(one, TyperArgument)]


def grown(app: typer.Typer) -> TyperGroup:
    """Make the tree of an application, with an example on each leaf.

    Args:
        app: the application.

    Returns:
        Its root, ready to be called.
    """
    root = typer.main.get_command(app)
    assert isinstance(root, TyperGroup)
    root.epilog = _BEGIN
    for verb in walk(root):
        examples = EXAMPLES.get(verb.path)
        if examples:
            command = verb.command
            command.help = _without_examples(command.help or "")
            command.epilog = "Examples:\n" + "\n".join(f"  [bold]{escape(one)}[/]" for one in examples)
    return root


def walk(root: TyperGroup, path: str = "") -> Iterator[Verb]:
    """Go through a tree.

    Args:
        root: where to begin.
        path: what leads there.

    Yields:
        Each verb and group, the root first, in the order in which help shows them.
    """
    yield Verb(path, root, list(root.commands))
    for name, command in root.commands.items():
        way = f"{path} {name}".strip()
        if isinstance(command, TyperGroup):
            yield from walk(command, way)
        else:
            assert isinstance(command, TyperCommand)
            yield Verb(way, command, ())


def _without_examples(text: str) -> str:
    kept = [part for part in text.split("\n\n") if not part.lstrip().startswith("guerdon ")]
    return "\n\n".join(kept)
