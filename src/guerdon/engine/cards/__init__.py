"""Gift cards in a batch: which accounts they are, and what becomes of them."""
