"""The ledger: journal (the only writer), wallets, statements, and the audit that re-derives them."""
