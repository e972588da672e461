"""Leaderboards: following what accounts do, closing windows, joining, and what is shown."""
