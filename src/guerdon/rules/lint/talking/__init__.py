"""Warnings about what members say and show."""
