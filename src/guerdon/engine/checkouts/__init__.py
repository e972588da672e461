"""Checkouts: carts that are priced, what they hold, and how they end."""
