"""How a definition is laid out: one way, for people."""
