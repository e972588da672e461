"""Seats: waiting lists, tickets with their codes and calendars, and the door."""
