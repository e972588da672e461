"""Addresses of members' own pages: which of them are good no more."""
