"""The revisions: `NNNN_name.sql`, each with a `NNNN_name.py` that says its place."""
