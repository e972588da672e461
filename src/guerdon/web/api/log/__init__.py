"""The Merkle log over HTTP: signed heads, the keys that sign them, and proofs."""
