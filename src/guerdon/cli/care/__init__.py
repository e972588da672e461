"""Verbs that look after a database."""
