"""Access before others: tokens that shops check by themselves, and the keys that sign them."""
