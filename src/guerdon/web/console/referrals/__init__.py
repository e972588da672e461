"""Invitations in the console: who invited whom, and what waits for somebody to look at it."""
