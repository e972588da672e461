"""Tiers that operators give and end, over the API."""
