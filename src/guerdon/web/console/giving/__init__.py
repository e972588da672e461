"""Good causes and the door: what charities are due, deeds that wait, who comes in."""
