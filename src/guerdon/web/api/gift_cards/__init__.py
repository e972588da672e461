"""Gift cards over HTTP: made, looked up by their code, topped up, blocked, and claimed as store credit."""
