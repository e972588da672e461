"""Tiers over the API: where accounts stand, what is missing, and tiers that operators give."""
