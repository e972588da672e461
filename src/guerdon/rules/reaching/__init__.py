"""Reaching things within a decision: prizes of challenges, and tiers that somebody gives."""
