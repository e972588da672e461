"""Proofs, pure: trees of hashes, signed heads, and statements that anybody can check."""
