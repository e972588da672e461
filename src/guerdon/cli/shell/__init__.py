"""The command line as one tree: help that teaches, verbs that were meant, completion for shells."""
