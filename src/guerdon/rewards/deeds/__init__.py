"""Deeds: what members did for others or for nature, with what shows it, until somebody approves it."""
