"""How decisions are shown where answers need more than a line."""
