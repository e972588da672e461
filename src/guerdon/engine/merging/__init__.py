"""Accounts that are merged: what is gathered for it, what both sides come to, and what is written."""
