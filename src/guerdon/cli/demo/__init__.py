"""`guerdon demo`: a sample program with its members, and the folder that it is kept in."""

from guerdon.cli.demo.command import demo

__all__ = ["demo"]
