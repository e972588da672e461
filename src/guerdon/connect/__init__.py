"""Adapters to the outside: files in, samples, and later shops, tills and streams."""
