"""Pages for people: the front page with its figures, and the API's description to read."""
