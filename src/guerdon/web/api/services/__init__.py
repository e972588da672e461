"""Services: requested, scheduled, done or declined."""
