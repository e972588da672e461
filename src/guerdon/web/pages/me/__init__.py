"""The page that a member keeps: what they have, what they can do, what happened."""
