"""Checks across the sections of a document, where models alone cannot tell."""
