"""Returns: finding the order that something came back of, and telling what that undid."""
