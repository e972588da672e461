"""Shares over HTTP."""
