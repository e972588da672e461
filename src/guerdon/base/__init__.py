"""Values without a business rule: money, units, identifiers, calendars and errors."""
