"""Deeds that were approved, where they become events."""
