"""Addresses of members' own pages."""
