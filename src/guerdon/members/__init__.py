"""Members and their accounts: identities, profiles, privacy, and where accounts stand."""
