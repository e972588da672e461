"""Invitations: the codes, what makes a friend's event count, and which of them look like one person's."""
