"""Tiers that were lost and that no campaign knows of yet."""
