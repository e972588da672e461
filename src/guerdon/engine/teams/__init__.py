"""Teams: found, joined, left, led, named."""
