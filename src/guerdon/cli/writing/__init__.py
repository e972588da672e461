"""Verbs for those who write programs: how they look, what they change, having them back."""
