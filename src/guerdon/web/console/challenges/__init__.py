"""Challenges and badges in the console: what came of each, and what it costs."""
