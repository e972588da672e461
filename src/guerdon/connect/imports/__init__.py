"""Import: past events from files, through the very door that live events come in by."""

from guerdon.connect.imports.engine import EngineDestination, Taking
from guerdon.connect.imports.feed import Destination, Listener, Outcome, Refused, Summary, feed
from guerdon.connect.imports.http import HttpDestination
from guerdon.connect.imports.position import Position

__all__ = [
    "Destination",
    "EngineDestination",
    "HttpDestination",
    "Listener",
    "Outcome",
    "Position",
    "Refused",
    "Summary",
    "Taking",
    "feed",
]
