"""Pure rules: everything that can be computed from its arguments alone."""
