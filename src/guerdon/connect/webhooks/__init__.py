"""Webhooks out: who wants to be told, what is told, and the thread that tells it."""
