"""A program of goals, friends and good causes, with a model of its own."""
