"""Challenges: goals on metrics, punch cards, and what accounts have reached of them."""

from guerdon.rules.challenges.challenge import BADGE, CHALLENGE, Challenge, Goal, Step, is_level

__all__ = ["BADGE", "CHALLENGE", "Challenge", "Goal", "Step", "is_level"]
