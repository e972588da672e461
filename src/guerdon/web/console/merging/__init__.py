"""Merging: two accounts of one person become one, looked at first."""
