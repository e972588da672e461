"""Anchors of the logs: on a chain that everybody can read, and stamped by a time-stamp authority."""
