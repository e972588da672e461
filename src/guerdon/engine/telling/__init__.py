"""Telling the engine what has become of things: each an event, once."""
