"""Seats that came free, where they meet the accounts of those who wait."""
