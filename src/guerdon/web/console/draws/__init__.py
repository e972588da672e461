"""Draws in the console: chances, tickets, winners, seeds."""
