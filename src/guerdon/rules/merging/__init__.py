"""Two accounts become one: what leaves the one arrives at the other, nothing is awarded or lost."""
