"""Content for some: what a member is shown by what they care for."""
