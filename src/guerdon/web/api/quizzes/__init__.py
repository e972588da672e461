"""Quizzes over HTTP: listed, begun, answered one question at a time, finished."""
