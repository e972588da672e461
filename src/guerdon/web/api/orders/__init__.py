"""Orders after payment."""
