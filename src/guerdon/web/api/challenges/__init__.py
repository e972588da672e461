"""Calls about challenges and badges."""
