"""Leaderboards as they are kept behind the engine: rows by value, windows, names, prizes."""
