"""Donations: receipts for members, and payouts to charities."""
