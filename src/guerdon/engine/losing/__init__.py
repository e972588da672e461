"""Tiers that were lost, told to the engine as events."""
