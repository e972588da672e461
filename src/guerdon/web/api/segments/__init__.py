"""Segments: how many accounts are in each, and which."""
