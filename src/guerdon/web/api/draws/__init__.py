"""Draws over the API: chances, commitments, and what anybody needs to check them."""
