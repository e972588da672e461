"""Quizzes in the console: what came of each, and which of its questions is bad."""
