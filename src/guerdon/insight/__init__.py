"""What can be learned from facts: reports, and programs tried on history."""
