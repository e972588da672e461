"""Keeping a database: what a backup tells of itself."""

from guerdon.engine.keeping.contents import read_contents

__all__ = ["read_contents"]
