"""What members said, and what staff does with it."""
