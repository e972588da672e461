"""Witnesses: who is told of each signed head of a log, and whose heads are watched here."""
