"""Donations that are paid out, where they meet the accounts that gave them."""
