"""Gift cards: bearer codes on accounts that are nobody's, and how such an account pays and is loaded."""
