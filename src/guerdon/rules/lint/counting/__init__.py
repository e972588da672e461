"""Warnings about what is counted: metrics that nobody reads, and windows that a ladder cannot fill."""
