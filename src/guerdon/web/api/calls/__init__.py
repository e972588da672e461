"""One call of the API: who asks what, and writes that count once."""
