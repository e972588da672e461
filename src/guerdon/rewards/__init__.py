"""Rewards that were taken: redemptions and their codes."""
