"""Seats: who waits for one, and codes by which a door knows who has one."""
