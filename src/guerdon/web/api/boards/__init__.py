"""Leaderboards over HTTP: seen, joined, left, and names taken away."""
