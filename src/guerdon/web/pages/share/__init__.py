"""The page that a share leads to, and its picture."""
