"""The document that a definition is read from, with the place of each value."""
