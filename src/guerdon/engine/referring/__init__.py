"""Invitations where they meet the account: codes, events that count, what is looked at and told."""
