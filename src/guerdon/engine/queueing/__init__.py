"""Who goes first: the two queues of a program, the turns of programs, and how much bulk is one batch."""

from guerdon.engine.queueing.lanes import Lanes
from guerdon.engine.queueing.pace import Pace
from guerdon.engine.queueing.turns import Turns

__all__ = ["Lanes", "Pace", "Turns"]
