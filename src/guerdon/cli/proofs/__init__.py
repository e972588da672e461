"""Proofs at the command line: files are checked, and a database against a head that was kept elsewhere."""
