"""Leaderboards and teams at the desk."""
