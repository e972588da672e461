"""Shares where they meet the account: what is theirs to show, who comes, and telling the engine."""
