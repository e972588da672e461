"""Backtests asked for on a page: each in a process of its own, watched from here."""
