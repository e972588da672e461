"""Posts where they meet the account: what was bought, what is approved, and telling the engine."""
