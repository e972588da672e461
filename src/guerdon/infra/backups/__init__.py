"""Backups: one file that is whole or refused, and the programs that fill and empty it."""

from guerdon.infra.backups.dump import analyze, dump_pieces, dumped_from, restore_into
from guerdon.infra.backups.file import BackupFile, key_print, write_blocks, written_backup

__all__ = [
    "BackupFile",
    "analyze",
    "dump_pieces",
    "dumped_from",
    "key_print",
    "restore_into",
    "write_blocks",
    "written_backup",
]
