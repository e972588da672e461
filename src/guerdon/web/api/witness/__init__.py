"""Watching the logs of others over HTTP: which are trusted, what was seen, and what does not fit."""
