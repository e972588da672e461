"""SQL of the ledger's tables."""
