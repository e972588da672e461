"""Accounts that a condition chooses, found in one statement rather than one by one."""
