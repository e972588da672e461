"""Accounts that became one: who stands for whom, what of people moves, and whose lock is waited for."""
