"""Compiling definitions; a definition that does not compile says everything that is wrong with it."""

from guerdon.rules.compiling.boards import identities_of
from guerdon.rules.compiling.compiler import offset_of, span_of
from guerdon.rules.compiling.program import compile_program, order_settings

__all__ = ["compile_program", "identities_of", "offset_of", "order_settings", "span_of"]
