"""Engines of one machine: each has ranges of accounts on a lease, and calls go to whoever has the account."""
