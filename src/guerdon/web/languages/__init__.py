"""The languages in which pages are read: what texts, numbers and days are in each of them."""
