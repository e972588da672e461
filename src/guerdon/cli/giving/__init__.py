"""Commands about good causes."""
