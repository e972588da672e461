"""Deeds: sent with what shows them, looked at, approved or refused."""
