"""Services that members asked for: when they take place, and what staff noted."""
