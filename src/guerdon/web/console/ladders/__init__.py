"""Tiers of a member in the console: where they stand, what is missing, and what staff give."""
