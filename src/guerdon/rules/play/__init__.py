"""Quizzes decided without a database: what is asked, which answers are right, and who may try."""
