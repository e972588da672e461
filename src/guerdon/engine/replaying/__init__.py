"""Stored events as what was decided upon then: the audit reads them, and whoever counts again."""
