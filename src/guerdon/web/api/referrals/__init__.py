"""Calls about invitations: a member's code and friends, and those that wait for somebody to look at them."""
