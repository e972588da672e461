"""What a new definition changes, in sentences that can be read aloud."""

from guerdon.rules.difference.compare import Change, compare
from guerdon.rules.difference.voice import Voice

__all__ = ["Change", "Voice", "compare"]
