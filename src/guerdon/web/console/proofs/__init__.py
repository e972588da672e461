"""The room of proofs: how far the log is, who signs it, and who outside was told."""
