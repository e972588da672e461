"""Birthdays and anniversaries, found by the ticks and told as events, once a year."""
